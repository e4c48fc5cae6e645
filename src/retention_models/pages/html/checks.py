"""The last look at a page before it is published: what would leave it, and what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import nh3

from retention_models.pages.html.templates import script, source_hash
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

_FORBIDDEN_TAGS = {
    *("iframe", "object", "embed", "form", "base", "audio", "video", "source", "svg"),
    *("math", "template", "portal", "frame", "frameset", "applet", "track", "input", "button"),
}
_FETCHED = {"src", "srcset", "imagesrcset", "data", "poster", "background", "manifest", "ping"}
_POINTING = {"href", "xlink:href", "action", "formaction", "srcdoc"}
_SAFE_META = {"content-security-policy"}

# In this order the first that an output has is its form on the page.
FORMS = ("text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/plain")

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
    parser.feed(page)
    parser.close()
    if parser.found:
        raise PageError(f"{name}: the page is not self-contained: {'; '.join(parser.found[:5])}")
    if parser.pictures:
        raise PageError(
            f"{name}: the page has {parser.pictures} without alternative text; "
            "`retention_models.pages.notebook.show` gives a figure its sentence."
        )
    return page


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


class _Lint(HTMLParser):
    """Finds what makes a browser fetch, run or embed something, and pictures that say nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.pictures = 0
        self._in_style = False
        self._script: list[str] | None = None
        self._scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        if tag == "script":
            self._script = []
            self._scripts += 1
            if attrs or self._scripts > 1:
                self.found.append("<script> beside the page's own")
        if tag in _FORBIDDEN_TAGS:
            self.found.append(f"<{tag}>")
        if tag == "img" and not (dict(attrs).get("alt") or "").strip():
            self.pictures += 1
        if tag == "meta" and (dict(attrs).get("http-equiv") or "").lower() not in {"", *_SAFE_META}:
            self.found.append("<meta http-equiv=…>")
        for name, value in attrs:
            self._attribute(tag, name, (value or "").strip().lower())

    def _attribute(self, tag: str, name: str, target: str) -> None:
        fetched = name in _FETCHED or (name in _POINTING and tag != "a")
        # Browsers drop white space and control characters inside a scheme.
        scheme = "".join(c for c in target if c > " ")
        if (fetched and not target.startswith("data:")) or scheme.startswith(
            ("javascript:", "vbscript:")
        ):
            self.found.append(f"<{tag} {name}={target[:60]!r}>")
        elif tag == "a" and name == "href" and scheme.startswith("data:"):
            self.found.append(f"<a href={target[:60]!r}>")
        if name.startswith("on") or (name == "style" and "url(" in target):
            self.found.append(f"<{tag} {name}=…>")

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self._script.append(data)
        if self._in_style and ("@import" in data or "url(" in data):
            self.found.append("a style sheet that loads something")

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False
        if tag == "script":
            self._end_script()

    def close(self) -> None:
        super().close()
        self._end_script()  # one without an end

    def _end_script(self) -> None:
        if self._script is not None and source_hash("".join(self._script)) != source_hash(script()):
            self.found.append("<script> that is not the page's own")
        self._script = None
