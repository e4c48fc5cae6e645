"""Sphinx's configuration of the documentation; `make docs` builds it, without a network."""

import importlib.metadata

project = "retention models"
release = importlib.metadata.version("retention-models")
copyright = "The retention_models developers"  # noqa: A001 - Sphinx calls it so

extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
myst_all_links_external = False
autodoc_typehints = "none"  # numpydoc's sections have the types, in the field's words
autodoc_class_signature = "separated"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
default_role = "code"  # docstrings mark code by single backticks
nitpicky = False

html_theme = "alabaster"
html_theme_options = {
    "description": "Who will buy again, how often, and what is each customer worth?",
    "fixed_sidebar": True,
    "page_width": "76rem",
    "sidebar_width": "16rem",
    "font_family": "system-ui, sans-serif",
    "head_font_family": "system-ui, sans-serif",
    "font_size": "1rem",
    "code_font_size": ".875rem",
    "show_powered_by": False,
}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
# A table of cron is shown as it stands.
suppress_warnings = ["misc.highlighting_failure", "myst.header"]
