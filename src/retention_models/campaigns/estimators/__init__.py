"""Effects from arrays of numbers: this folder knows NumPy and SciPy, and no table."""
