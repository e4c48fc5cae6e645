"""Public names by room, from their docstrings; run as a script it writes `docs/api.md`."""

from __future__ import annotations

import inspect
from pathlib import Path

import retention_models as rm

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
ROOMS = {
    "settings": "the project file",
    "data": "a log opened, checked, refused or kept",
    "summaries": "a row a customer",
    "models": "numbers in, numbers out",
    "predictions": "what customers will do, and whether to believe it",
    "measures": "what customers did",
    "campaigns": "what a campaign changed, and plans for one",
    "actions": "whom to call",
    "project": "a store, a campaign, what a run hands over",
    "languages": "the language of pages",
    "errors": "what can go wrong, by who can mend it",
}
HEAD = """# Public names

All of `import retention_models as rm`, by room, in flow order; `help(rm.name)` says shapes, units,
errors, formula and source. What pages are made of is in `retention_models.pages.store`,
`.campaign`, `.models` and `.notebook`.
"""
CONSTANTS = {
    "ANNUAL_CHURN_BAND": ("measures", "Lowest and highest annual churn of the rule of thumb."),
    "RFM_SEGMENTS": ("measures", "Names of the segments of RFM, the best first."),
}


def described(name: str) -> tuple[str, str]:
    """A name's room and its docstring's first sentence."""
    if name in CONSTANTS:
        return CONSTANTS[name]
    found = getattr(rm, name)
    first = (inspect.getdoc(found) or "").split("\n\n")[0].replace("\n", " ")
    return found.__module__.split(".")[1], first


def written() -> str:
    """The page."""
    rooms: dict[str, list[str]] = {room: [] for room in ROOMS}
    for name in sorted(rm.__all__, key=str.lower):
        room, first = described(name)
        rooms[room].append(f"| `{name}` | {first} |")
    parts = [HEAD]
    for room, rows in rooms.items():
        if rows:
            head = f"## {room} – {ROOMS[room]}"
            parts.append("\n".join([head, "", "| name | what it is |", "|---|---|", *rows, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
