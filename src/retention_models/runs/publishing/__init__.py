"""A run's pages built aside, checked and renamed into place; its manifest is the truth about them."""
