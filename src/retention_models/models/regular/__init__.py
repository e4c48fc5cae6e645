"""Regular buyers: models in which a purchase takes several phases, (M)BG/CNBD-k, and a test for it."""
