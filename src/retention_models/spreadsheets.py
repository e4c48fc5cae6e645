"""Text that a spreadsheet shows as it is."""

from __future__ import annotations

# A spreadsheet runs a cell that begins with one of these as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def formula_safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a leading ' where it would.

    Examples
    --------
    >>> formula_safe("=1+1"), formula_safe("0042")
    ("'=1+1", '0042')
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
