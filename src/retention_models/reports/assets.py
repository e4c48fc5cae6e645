"""The one style sheet and the one script that a page holds, each let in by its hash and no other."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

_TEMPLATES = files(__package__).joinpath("templates")


def template_text(name: str) -> str:
    """A file of the folder of templates."""
    return _TEMPLATES.joinpath(name).read_text(encoding="utf-8")


def source_hash(text: str) -> str:
    """The hash of an inline style or script as a Content-Security-Policy names it."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


@cache
def style() -> str:
    """The style sheet, as it stands between <style> and </style>."""
    return f"\n{template_text('page.css')}"


@cache
def script() -> str:
    """The script, as it stands between <script> and </script>."""
    return f"\n{template_text('page.js')}"
