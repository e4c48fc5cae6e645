"""Models compared and validated: words, tables and figures."""
