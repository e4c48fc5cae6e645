"""Effects from arrays of numbers: this folder knows NumPy, SciPy and statsmodels, and no table."""
