"""A row a customer: frequency, recency, T and monetary value, counted rows, holdouts, periods."""
