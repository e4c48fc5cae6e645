"""Text that a spreadsheet shows as it is."""

from __future__ import annotations

import re

# A spreadsheet runs a cell that begins with one of these as a formula; some take the full-width forms
# for the same. A text that already has the mark in front gets another, so that it can be told apart.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def formula_safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a leading ' where it would."""
    return f"'{text}" if _FORMULA.match(text) else text
