"""The whole chain's page: findings, words and figures."""
