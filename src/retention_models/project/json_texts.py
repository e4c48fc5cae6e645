"""JSON that every parser reads: what is no number is null, what is no text of Unicode is escaped."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def json_text(content: Any, *, indent: int | None = None) -> str:
    """JSON as its standard has it; what it does not know (days, paths) as text.

    >>> json_text({"low": float("-inf"), "days": (1, 2)})
    '{"low": null, "days": [1, 2]}'
    """
    return json.dumps(
        _known(content), ensure_ascii=False, indent=indent, allow_nan=False, default=str
    )


def _known(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        # Bytes of a file's name that are no UTF-8 stand as lone surrogates, which no file can hold.
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_known(key) if isinstance(key, str) else key: _known(v) for key, v in value.items()}
    return [_known(one) for one in value] if isinstance(value, list | tuple) else value
