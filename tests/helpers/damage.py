"""Files damaged at random, as hypothesis draws it: bytes lost or put in, values exchanged, keys gone."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

# What stands where something else is expected, in any text file.
PIECES = [
    *(b"", b"\n", b"\r", b"\r\n", b"\t", b" ", b",", b";", b'"', b"'", b"\\", b"=", b"#", b"\0"),
    *(
        b"[",
        b"]",
        b"{",
        b"}",
        b"{{",
        b"{0}",
        b"{x!r}",
        b"%s",
        b"%(x)d",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
    ),
    *(
        b"\xc3\x28",
        b"\xed\xa0\x80",
        b"-",
        b"-1",
        b"0",
        b"1e999",
        b"9" * 400,
        b"nan",
        b"inf",
        b"null",
    ),
    *(
        b"true",
        b"1970-01-01",
        b"9999-12-31",
        b"0000-00-00",
        b"2024-02-30",
        b"\xe2\x80\xae",
        b"\x1a",
    ),
    *(
        b"../../x",
        b"/dev/null",
        b"<script>",
        b"a" * 5000,
        b"\xd9\xa1\xd9\xa2",
        b"\xc2\xa0",
        b"0042",
    ),
]
ODD_VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 10**30, -0.0, 1e308, -1e308, 5e-324, float("nan"), float("inf")),
    *(
        "",
        " ",
        "x",
        "0",
        "-1",
        "nan",
        "\0",
        "\ud800",
        "x" * 3000,
        "../x",
        "2024-02-30",
        "9999-12-31",
    ),
    *(
        [],
        {},
        [[]],
        [None],
        {"": ""},
        {"x": [1, "a"]},
        "{x}",
        "<b>",
        "\u202e",
        "0042",
        [1e999],
        "%s",
    ),
]


@st.composite
def damaged_bytes(draw: st.DrawFn, content: bytes, most: int = 3) -> bytes:
    """Pieces cut out, doubled, or replaced by odd ones, at up to so many places."""
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, len(content)))
        length = draw(st.sampled_from([0, 0, 1, 1, 2, 7, 40, 400]))
        piece = draw(st.sampled_from([*PIECES, content[at : at + 60]]))
        content = content[:at] + piece + content[at + length :]
    return content


@st.composite
def damaged_lines(draw: st.DrawFn, content: bytes) -> bytes:
    """Lines cut out, doubled, moved or emptied."""
    lines = content.split(b"\n")
    for _ in range(draw(st.integers(1, 3))):
        at, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        kind = draw(st.sampled_from(["out", "twice", "moved", "empty", "cut"]))
        line = lines[at]
        if kind == "cut":
            lines[at] = line[: draw(st.integers(0, len(line)))]
        elif kind == "empty":
            lines[at] = b""
        elif kind == "twice":
            lines.insert(other, line)
        else:
            lines[at : at + 1] = []
            if kind == "moved" or not lines:
                lines.insert(other, line)
    return b"\n".join(lines)


@st.composite
def damaged_cells(draw: st.DrawFn, content: bytes, comma: bytes = b",") -> bytes:
    """Cells of a table as text exchanged for odd ones."""
    lines = [line.split(comma) for line in content.split(b"\n")]
    for _ in range(draw(st.integers(1, 4))):
        row = draw(st.integers(0, len(lines) - 1))
        cell = draw(st.integers(0, len(lines[row]) - 1))
        lines[row][cell] = draw(st.sampled_from(PIECES))
    return b"\n".join(comma.join(line) for line in lines)


@st.composite
def damaged_values(draw: st.DrawFn, content: Any, most: int = 3) -> Any:
    """A tree of JSON or TOML with values exchanged, keys gone, keys too many."""
    content = copy.deepcopy(content)
    for _ in range(draw(st.integers(1, most))):
        places = list(_places(content))
        if not places:
            return content
        inside, key = draw(st.sampled_from(places))
        kind = draw(st.sampled_from(["odd", "odd", "odd", "gone", "added", "moved"]))
        if kind == "odd":
            inside[key] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
        elif kind == "gone":
            del inside[key]
        elif kind == "moved":
            other, where = draw(st.sampled_from(places))
            inside[key] = copy.deepcopy(other.get(where) if isinstance(other, dict) else None)
        elif isinstance(inside, dict):
            inside[draw(st.sampled_from(["", "x", "store", "\0", "kind"]))] = inside[key]
        else:
            inside.append(inside[key])
    return content


def _places(value: Any) -> Any:
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


@st.composite
def damaged_json(draw: st.DrawFn, content: Any) -> bytes:
    """Its text, as a careless or hostile program writes it; sometimes with bytes damaged."""
    if draw(st.integers(0, 3)):
        changed = draw(damaged_values(content))
        return json.dumps(changed).encode("utf-8", "surrogatepass")
    return draw(damaged_bytes(json.dumps(content).encode()))
