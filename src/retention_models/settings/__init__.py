"""The project file: what it may say, checked, and the credentials it names."""
