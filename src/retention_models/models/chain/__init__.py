"""Models of a chain's stores fitted together, the small ones drawn towards the rest."""
