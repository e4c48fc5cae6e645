"""The page of a store: its numbers beside the models, its sentences and its tables."""
