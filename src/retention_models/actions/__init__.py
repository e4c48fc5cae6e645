"""Lists of customers: what to do, why each is on them, and what is at stake."""
