"""Purchase and spend models: pure array functions, one optimiser, and lifetimes' vocabulary."""
