"""Survey answers and contacts with customers: sources of their own, checked as strictly as the log."""
