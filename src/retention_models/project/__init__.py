"""A store and a campaign of a project, and what a run hands over and writes for them."""
