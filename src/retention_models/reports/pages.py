"""Executed notebooks and headline numbers → HTML that asks for nothing outside itself."""

from __future__ import annotations

import base64
import datetime as dt
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import jinja2
import markupsafe
import nbformat
import nh3

from retention_models import __version__, words
from retention_models.settings import Settings

_TEMPLATES = files(__package__).joinpath("templates")

# What a page may hold: text, tables, lists. No script, no style of its own, no embedded thing.
_TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "div", "dl", "dt", "em"),
    *("h1", "h2", "h3", "h4", "hr", "i", "li", "ol", "p", "pre", "s", "small", "span", "strong"),
    *("sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
}
_ATTRIBUTES = {
    "*": {"class", "id", "lang", "dir", "title"},
    "a": {"href"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}

REFUSAL = '<p class="refusal">'  # as `notebook.or_say_why` writes it

_FORBIDDEN_TAGS = {
    "script",
    "iframe",
    "object",
    "embed",
    "form",
    "base",
    "audio",
    "video",
    "source",
}
_FETCHED = {"src", "srcset", "data", "poster", "background"}


class PageError(RuntimeError):
    """A finished page holds something that would leave it; it is not published."""


def clean_html(text: str) -> str:
    """HTML with every tag and attribute off the allow-list removed."""
    return nh3.clean(
        text,
        tags=_TAGS,
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        url_schemes={"https", "http", "mailto"},
        link_rel=None,
    )


class _Lint(HTMLParser):
    """Finds what makes a browser fetch, run or embed something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        if tag in _FORBIDDEN_TAGS:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            target = (value or "").strip().lower()
            fetched = name in _FETCHED or (tag == "link" and name == "href")
            if (fetched and not target.startswith("data:")) or target.startswith("javascript:"):
                self.found.append(f"<{tag} {name}={value!r}>")
            if name.startswith("on") or (name == "style" and "url(" in target):
                self.found.append(f"<{tag} {name}=…>")

    def handle_data(self, data: str) -> None:
        if self._in_style and ("@import" in data or "url(" in data):
            self.found.append("a style sheet that loads something")

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def lint(page: str, name: str) -> str:
    """The page itself, or an error that names what in it would fetch, run or embed something."""
    parser = _Lint()
    parser.feed(page)
    parser.close()
    if parser.found:
        raise PageError(f"{name}: the page is not self-contained: {'; '.join(parser.found[:5])}")
    return page


@cache
def _exporter() -> Any:
    from nbconvert.exporters import HTMLExporter

    # The package's folder instead of the working directory, from which nbconvert would load, and
    # run, whatever template lies there.
    exporter = HTMLExporter(
        template_name="store_page",
        extra_template_basedirs=[str(_TEMPLATES)],
        exclude_anchor_links=True,
    )
    exporter.register_filter("clean_html", clean_html)
    exporter.register_filter(
        "base64_text",
        lambda text: base64.b64encode(text.encode("utf-8")).decode("ascii"),
    )
    return exporter


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["shown"] = _shown
    return environment


def _text(name: str) -> str:
    return _TEMPLATES.joinpath(name).read_text(encoding="utf-8")


def _shown(value: float, kind: str) -> str:
    if kind == "share":
        return f"{value:.0%}"
    return f"{value:,.2f}" if kind == "money" else f"{value:,.0f}"


def _frame(settings: Settings, as_of: dt.date, made: str) -> dict[str, Any]:
    return {
        "head": markupsafe.Markup(_text("head.html.j2")),
        "css": markupsafe.Markup(_text("page.css")),
        "chain": settings.name,
        "as_of": words.day(as_of),
        "made": made,
        "version": __version__,
        "interval": f"{settings.model.interval:.0%}",
    }


def heading(settings: Settings, store_id: str) -> str:
    """A store's name as a page's heading."""
    name = settings.store_name(store_id)
    return f"Store {name}" if name == store_id else name


def store_page(
    notebook: nbformat.NotebookNode,
    settings: Settings,
    store_id: str,
    as_of: dt.date,
    made: str,
) -> str:
    """The page of a store from its executed notebook, linted."""
    page = _frame(settings, as_of, made)
    page["heading"] = heading(settings, store_id)
    page["title"] = f"{page['heading']} · {settings.name}"
    _say_each_refusal_once(notebook)
    html, _ = _exporter().from_notebook_node(notebook, resources={"page": page})
    return lint(html, f"store {store_id}")


def _say_each_refusal_once(notebook: nbformat.NotebookNode) -> None:
    """Shorten a refusal that stands on the page already: a store too small is so in every section."""
    said: set[str] = set()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get("text/html", "")
            if text.startswith(REFUSAL):
                if text in said:
                    output["data"]["text/html"] = f"{REFUSAL}Not said, for the same reason.</p>"
                said.add(text)


def failure_page(reason: str, settings: Settings, store_id: str, as_of: dt.date, made: str) -> str:
    """The page of a store whose notebook failed: what, and what still holds."""
    template = _environment().get_template("failure.html.j2")
    html = template.render(
        **_frame(settings, as_of, made),
        heading=heading(settings, store_id),
        reason=reason,
    )
    return lint(html, f"store {store_id}")


def index_page(rows: list[dict[str, Any]], settings: Settings, as_of: dt.date, made: str) -> str:
    """The chain's page: a row per store with name, href, metrics or None, and failure or None."""
    template = _environment().get_template("index.html.j2")
    html = template.render(
        **_frame(settings, as_of, made),
        rows=rows,
        currency=settings.money.currency,
        horizon=words.window(settings.model.horizon, settings.model.time_unit),
    )
    return lint(html, "index")
