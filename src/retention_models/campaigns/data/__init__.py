"""A campaign's customers: who was in which arm, what was known before, what came of it."""
