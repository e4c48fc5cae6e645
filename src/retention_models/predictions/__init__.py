"""What customers and whole stores will do, with intervals."""
