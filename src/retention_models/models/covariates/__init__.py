"""The BG/NBD model with covariates: inputs, likelihood, fit and predictions."""
