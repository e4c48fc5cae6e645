"""Unicode's marks of direction: texts within a text, and English where a translation is missing."""

from __future__ import annotations

import re

# Unicode's own marks, since sentences stand in attributes and style sheets too.
LEFT, RIGHT, FIRST_STRONG, POP = "\u2066", "\u2067", "\u2068", "\u2069"
JOINER = "\u2060"
# A word joiner beside the mark tells English that stands for want of a translation.
ENGLISH_BEGINS, ENGLISH_ENDS = f"{LEFT}{JOINER}", f"{JOINER}{POP}"

_INNERMOST = re.compile(f"[{LEFT}-{FIRST_STRONG}][^{LEFT}-{POP}]*{POP}")
_NAME = re.compile(r"<bdi>.*?</bdi>", re.DOTALL)
# In any text such a number runs from left to right; signs, and per cent, keep their side in a mark only.
_NUMBER = re.compile(r"\d+(?:[.,\u066b\u066c]\d+)*")
_TAG = re.compile(r"<[^>]*>")
_BLOCKS = "p|td|th|tr|li|ul|ol|dt|dd|dl|div|h[1-6]|figcaption|figure|caption|button|label|summary"
# What may hold text but no element, and what ends whatever is open in a line.
_PIECES = re.compile(
    r"(<(?P<raw>style|script|title|option|textarea)\b.*?</(?P=raw)>|<!--.*?-->"
    rf"|(?P<block></?(?:{_BLOCKS}|main|body|section|nav|header|footer|details)\b[^>]*>)|<[^>]*>)",
    re.DOTALL,
)


def isolated(shown: str) -> str:
    """A part of a text from right to left, in a direction of its own.

    Letters decide it, those outside of parts with a direction of theirs; parts alone, such as an amount
    and its currency, follow the text's; a number runs from left to right, for which it needs no mark
    where it has digits and separators only: a page holds some hundreds, of six bytes' marks each.
    """
    if _NUMBER.fullmatch(shown):
        return shown
    outside, parts = shown, 0
    if hasattr(shown, "__html__"):
        outside = _TAG.sub("", _NAME.sub(LEFT + POP, str(shown)))
    found = 1
    while found:
        outside, found = _INNERMOST.subn("", str(outside))
        parts += found
    mark = FIRST_STRONG if any(map(str.isalpha, outside)) else RIGHT if parts else LEFT
    return mark + shown + POP


def with_sign(sign: str, amount: str) -> str:
    """An amount with its sign, within the part that holds its number where it begins with that."""
    if amount[:1] in (LEFT, FIRST_STRONG):
        return amount[0] + sign + amount[1:]
    number = _NUMBER.match(amount)
    if number and POP in amount:  # from right to left, with its currency
        return isolated(sign + number[0]) + amount[number.end() :]
    return sign + amount


def as_english(sentence: str) -> str:
    """A sentence marked as English among those of another language."""
    return f"{ENGLISH_BEGINS}{sentence}{ENGLISH_ENDS}"


def is_english(sentence: str) -> bool:
    """Whether a sentence of another language is English for want of a translation."""
    return sentence.startswith(ENGLISH_BEGINS)


def without_marks(text: str) -> str:
    """A text where no reader's program heeds marks, such as a file of data."""
    return re.sub(f"[{LEFT}-{POP}\u2060]", "", text)


def with_english_told(page: str) -> str:
    """HTML whose English for want of a translation has `lang` and `dir`, where elements may stand."""
    if ENGLISH_BEGINS not in page:
        return page
    written, last, depth = [], 0, 0
    for found in _PIECES.finditer(page):
        text, depth = _spans(page[last : found.start()], depth)
        # A sentence cut short ends where its paragraph does.
        closed = "</span>" * depth if found["block"] else ""
        depth = 0 if found["block"] else depth
        written += [text, closed, found[0].replace("\u2060", "")]
        last = found.end()
    text, depth = _spans(page[last:], depth)
    return "".join([*written, text, "</span>" * depth])


def _spans(text: str, depth: int) -> tuple[str, int]:
    pieces = re.split(f"({ENGLISH_BEGINS}|{ENGLISH_ENDS})", text)
    for place in range(1, len(pieces), 2):
        if pieces[place] == ENGLISH_BEGINS:
            pieces[place], depth = '<span lang="en" dir="ltr">', depth + 1
        else:
            pieces[place], depth = ("</span>", depth - 1) if depth else ("", 0)
    return "".join(pieces), depth
