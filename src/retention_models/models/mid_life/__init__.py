"""Stores whose data begin in mid-life: customers of before and newcomers as one process."""
