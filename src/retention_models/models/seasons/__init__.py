"""A season common to all customers: the shop's calendar, and count models in operational time."""
