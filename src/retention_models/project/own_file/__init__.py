"""A file of one's own, looked at: what its columns are, said with reasons, and a project file for it."""
