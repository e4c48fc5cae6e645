"""The last look at a page before it is published: what would leave it, and what it lacks."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import nh3

from retention_models.pages.html.templates import script, source_hash, style
from retention_models.settings.credentials import secret_in, secret_shape

# What a page may hold: text, tables, lists. No script, no style of its own, no embedded thing.
_TAGS = {
    *("a", "abbr", "b", "bdi", "blockquote", "br", "caption", "code", "dd", "div", "dl", "dt"),
    *("em", "h1", "h2", "h3", "h4", "hr", "i", "li", "ol", "p", "pre", "s", "small", "span"),
    *("strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
}
_ATTRIBUTES = {
    "*": {"class", "id", "lang", "dir", "title"},
    "a": {"href"},
    "td": {"colspan", "rowspan", "data-label"},
    "th": {"colspan", "rowspan", "scope"},
}

# What the frames of pages hold beside it. Whatever a browser reads by rules of its own (frames, forms,
# vector images, text areas, templates, raw text but for the page's style and script) is not of it.
_FRAME_TAGS = {
    *("html", "head", "meta", "link", "title", "style", "script", "body", "header", "main"),
    *("footer", "nav", "section", "figure", "img", "details", "summary"),
}
_RAW_TEXT = {"style", "script", "title"}
_KNOWN_ATTRIBUTES = {
    *("class", "id", "lang", "dir", "title", "href", "src", "alt", "colspan", "rowspan", "scope"),
    *("role", "tabindex", "charset", "name", "content", "http-equiv", "rel"),
}
_OPEN_ATTRIBUTES = ("data-", "aria-")
# The one vector image that may stand in a page: a line of fixed form, with what it says in words. As an
# image each would be a document of its own, and a browser takes a minute to open two thousand of them.
_LINE = re.compile(
    r'<svg viewBox="[0-9 ]+" role="img" aria-label="[^"<>]*[^"<>\s][^"<>]*">'
    r'<path d="[Ml0-9 -]*"/>(?:<circle cx="\d+" cy="\d+" r="2"/>)?</svg>'
)
_SCHEMES = {"http", "https", "mailto"}
_IMAGES = re.compile(r"data:(image/(png|jpeg|gif|webp|svg\+xml)|)[;,]")
_COMMENTS = {"<!--notice-->", "<!--/notice-->"}
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")

_NAME = r"[A-Za-z][A-Za-z0-9]*"
# Names end and quotes close for a browser where they do here; nothing else is a tag of a page.
_START = re.compile(
    rf"<({_NAME})((?:[ \t\r\n]+[A-Za-z][A-Za-z0-9:_-]*(?:=\"[^\"]*\"|='[^']*')?)*)[ \t\r\n]*/?>"
)
_END = re.compile(rf"</({_NAME})[ \t\r\n]*>")
_ATTRIBUTE = re.compile(r"([A-Za-z][A-Za-z0-9:_-]*)(?:=(?:\"([^\"]*)\"|'([^']*)'))?")

# In this order the first that an output has is its form on the page.
FORMS = ("text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/plain")

# What `templates.labels_style` and `sheet_style` add to the page's own style sheet.
_QUOTED = r'"(?:[\w ]|\\[0-9a-f]{6} )*'
_RULES = re.compile(
    r"(?:@media \(max-width: 640px\) \{\n(?:  \.\w+ td:nth-child\(\d+\):not\(\[colspan\]\)::before "
    rf'\{{ content: {_QUOTED}: "; color: var\(--soft\); \}}\n)*\}}\n)?'
    rf'(?:@page \{{ @bottom-left \{{ content: {_QUOTED}"; \}} '
    r'@bottom-right \{ content: counter\(page(?:, [\w-]+)?\) " / " '
    r"counter\(pages(?:, [\w-]+)?\); \} \}\n)?"
)
_ENOUGH = 5

_PICTURES = {code: 0x2400 + code for code in range(32) if code not in (9, 10, 13)}
_PICTURES |= {0x7F: 0x2421, **dict.fromkeys(range(0x80, 0xA0), 0xFFFD)}


class PageError(RuntimeError):
    """A finished page holds what it must not, or lacks what it needs; it is not published."""


def clean_html(text: str) -> str:
    """HTML with every tag and attribute off the allow-list removed."""
    return nh3.clean(
        text,
        tags=_TAGS,
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        url_schemes={"https", "http", "mailto"},
        link_rel=None,
    )


def form_of(data: Mapping[str, object]) -> str | None:
    """The form in which an output stands on the page; None for a text of a Python object, or nothing."""
    chosen = next((form for form in FORMS if form in data), None)
    drawn = any(form.startswith(("application/", "image/", "video/")) for form in data)
    if chosen == "text/html" and not _has_text(clean_html(_joined(data[chosen]))):
        return None
    if chosen == "text/plain" and (drawn or _joined(data[chosen]).startswith("<Figure size")):
        return None
    return chosen


def require_forms(notebook: nbformat.NotebookNode) -> None:
    """Refuse a notebook that shows something which would come out as nothing."""
    for number, cell in enumerate(notebook.cells, start=1):
        if "lab-only" in cell.metadata.get("tags", []):
            continue
        for output in cell.get("outputs", []):
            if output.output_type not in {"display_data", "execute_result"} or not output.data:
                continue
            if form_of(output.data) is None:
                kinds = ", ".join(sorted(output.data))
                raise PageError(
                    f"Cell {number} shows something that has no form on a page without scripts "
                    f"({kinds})."
                )


def lint(page: str, name: str) -> str:
    """The page itself, or an error that names what in it would fetch, run or embed, or is missing."""
    parser = _Lint()
    parser.read(page)
    if parser.found:
        raise PageError(
            f"{name}: the page is not self-contained: {'; '.join(parser.found[:_ENOUGH])}"
        )
    if parser.pictures:
        raise PageError(
            f"{name}: the page has {parser.pictures} without alternative text; "
            "`retention_models.pages.notebook.show` gives a figure its sentence."
        )
    return page


def base64_of(text: object) -> str:
    """The data of an image as they may stand in an address; an error where they are anything else."""
    data = "".join(_joined(text).split())
    if _BASE64.fullmatch(data) is None:
        raise PageError("An output says that it is an image, and its data are none (base64).")
    return data


def require_no_secret(folder: Path, secrets: Mapping[str, str]) -> None:
    """Refuse files, whatever they are, that hold a secret which is known or looks like one."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", errors="replace")
        whence = secret_in(text, secrets)
        if whence is not None:
            raise PageError(f"{path.name} holds the value of {whence}, which is a secret.")
        shape = secret_shape(text)
        if shape is not None:
            raise PageError(f"{path.name} holds what looks like {shape}.")


def seen(page: str) -> str:
    """A page with pictures (␀ to ␡) in the place of control characters, which would not be seen."""
    return page.translate(_PICTURES)


def _joined(text: object) -> str:
    return "".join(text) if isinstance(text, list) else str(text)


def _has_text(cleaned: str) -> bool:
    parser = _Text()
    parser.feed(cleaned)
    parser.close()
    return parser.found


class _Text(HTMLParser):
    found = False

    def handle_data(self, data: str) -> None:
        self.found = self.found or bool(data.strip())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found = self.found or tag == "hr"


class _Lint:
    """Reads a page by a grammar in which every browser reads it alike, and refuses all else.

    Of HTML it knows the elements that pages hold, attributes in quotes, and two comments; text has no
    `<`. So no encoding of a tag, an end of a comment or a raw text can hide one from it. Finds what
    makes a browser fetch, run or embed something, and pictures that say nothing.
    """

    def __init__(self) -> None:
        self.found: list[str] = []
        self.pictures = 0
        self._scripts = 0

    def read(self, page: str) -> None:
        """Read a whole page."""
        at = len("<!DOCTYPE html>") if page.startswith("<!DOCTYPE html>") else 0
        while (at := page.find("<", at)) >= 0 and len(self.found) < _ENOUGH:
            at = self._markup(page, at)

    def _markup(self, page: str, at: int) -> int:
        """Read what begins with a `<`; where it ends."""
        for comment in _COMMENTS:
            if page.startswith(comment, at):
                return at + len(comment)
        line = _LINE.match(page, at)
        if line is not None:
            return line.end()
        ended = _END.match(page, at)
        if ended is not None:
            self._known(ended[1].lower())
            return ended.end()
        begun = _START.match(page, at)
        if begun is None:
            self.found.append(f"{page[at : at + 40]!r}, which is no tag of a page")
            return at + 1
        tag = begun[1].lower()
        self._known(tag)
        self._attributes(tag, begun[2])
        return self._raw(page, tag, begun.end()) if tag in _RAW_TEXT else begun.end()

    def _known(self, tag: str) -> None:
        if tag not in _TAGS and tag not in _FRAME_TAGS:
            self.found.append(f"<{tag}>")

    def _raw(self, page: str, tag: str, at: int) -> int:
        """Read the text of a style sheet, a script or a title; where its end tag begins."""
        end = re.compile(rf"</{tag}(?=[ \t\r\n/>])", re.IGNORECASE).search(page, at)
        text = page[at : end.start() if end else len(page)]
        if tag == "script" and (end is None or source_hash(text) != source_hash(script())):
            self.found.append("<script> that is not the page's own")
        elif end is None:
            self.found.append(f"<{tag}> without an end")
        if tag == "style" and _RULES.fullmatch(text.removeprefix(style())) is None:
            self.found.append("a style sheet that is not the page's own, and may load something")
        if tag == "title" and "<" in text:
            self.found.append("<title> that holds markup")
        return end.start() if end else len(page)

    def _attributes(self, tag: str, text: str) -> None:
        pairs = [
            (m[1].lower(), html.unescape(m[2] or m[3] or "")) for m in _ATTRIBUTE.finditer(text)
        ]
        given = dict(pairs)
        if len(given) < len(pairs):
            self.found.append(f"<{tag}> with an attribute twice")
        if tag == "script":
            self._scripts += 1
            if given or self._scripts > 1:
                self.found.append("<script> beside the page's own")
        if tag == "img" and not given.get("alt", "").strip():
            self.pictures += 1
        equivalent = given.get("http-equiv")
        if equivalent is not None and equivalent.lower() != "content-security-policy":
            self.found.append("<meta http-equiv=…>")
        for name, value in given.items():
            if name not in _KNOWN_ATTRIBUTES and not name.startswith(_OPEN_ATTRIBUTES):
                self.found.append(f"<{tag} {name}=…>")
            elif not _may_stand(tag, name, value):
                self.found.append(f"<{tag} {name}={value[:60]!r}>")


def _may_stand(tag: str, name: str, value: str) -> bool:
    """Whether an attribute leads nowhere that a page may not lead."""
    if name == "src":
        return tag == "img" and _IMAGES.match(value) is not None
    if name != "href":
        return True
    # Browsers drop white space and control characters inside a scheme.
    target = "".join(c for c in value if c > " ").lower()
    if tag == "link":
        return target == "data:,"
    scheme, colon, _ = re.split(r"[/?#]", target)[0].partition(":")
    return tag == "a" and (not colon or scheme in _SCHEMES)
