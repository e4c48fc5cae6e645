"""A campaign's page and plan: words, tables and figures."""
