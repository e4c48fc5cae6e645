"""Pages as HTML: templates, rendering, names, and the checks before they are published."""
