"""Sentences, tables, figures and HTML of the pages."""
