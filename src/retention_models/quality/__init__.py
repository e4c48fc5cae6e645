"""What is worth knowing of a log before its numbers are believed."""
