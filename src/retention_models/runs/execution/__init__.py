"""Notebooks executed: in processes forked from a warm one, or in kernels; watched, limited, recorded."""
