"""Executed notebooks, failures and headline numbers → HTML that carries all it needs."""

from __future__ import annotations

import base64
import datetime as dt
import html
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import markupsafe
import nbformat

from retention_models import __version__
from retention_models.campaigns.effects.contact_effect import ListTest
from retention_models.languages.directions import with_english_told
from retention_models.pages.chain.findings import chain_findings
from retention_models.pages.html.cells import (
    leave_out_unanswered,
    part_about,
    say_each_once,
    translate_text_cells,
)
from retention_models.pages.html.checks import base64_of, clean_html, form_of
from retention_models.pages.html.kinds import ABOUT, STORE, PageKind, one_line
from retention_models.pages.html.templates import (
    NOTICE,
    NOTICE_END,
    add_filters,
    bdi,
    labels_style,
    script,
    sheet_style,
    since_words,
    source_hash,
    speech,
    style,
    template_text,
)
from retention_models.pages.store.contact_words import in_short
from retention_models.settings.project import Settings

_TEMPLATES = files(__package__).joinpath("templates")

_STORE_COLUMNS = (
    *("store", "line", "revenue", "revenue_change", "customers", "customers_change"),
    *("back", "margin", "reason"),
)


@cache
def _exporter() -> Any:
    from nbconvert.exporters import HTMLExporter

    # The package's folder instead of the working directory, from which nbconvert would load, and
    # run, whatever template lies there.
    exporter = HTMLExporter(
        template_name="store_page",
        extra_template_basedirs=[str(_TEMPLATES)],
        exclude_anchor_links=True,
        # Once for all steps: nothing of ours can break a notebook between two of them.
        optimistic_validation=True,
    )
    exporter.register_filter("clean_html", clean_html)
    exporter.register_filter("form_of", form_of)
    exporter.register_filter("base64_of", base64_of)
    exporter.register_filter("with_places", _with_places)
    exporter.register_filter("below_title", _below_title)
    exporter.register_filter("in_scroll", _in_scroll)
    exporter.register_filter(
        "base64_text",
        lambda text: base64.b64encode(text.encode("utf-8")).decode("ascii"),
    )
    return exporter


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(template_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    add_filters(environment)
    return environment


def _below_title(cleaned: str) -> str:
    """Headings of a notebook stand below the page's one title."""
    return re.sub(r"(</?)h1\b", r"\1h2", cleaned)


def _in_scroll(cleaned: str, unnamed: str) -> str:
    """A table in a region of its own, which keys can scroll where it is wider than the page."""
    if "<table" not in cleaned:
        return cleaned
    caption = re.search(r"<caption[^>]*>(.*?)</caption>", cleaned, re.DOTALL)
    said = re.sub(r"<[^>]*>", "", caption[1]).strip() if caption else ""
    # Escaped already, but for the quotes that end an attribute.
    label = html.unescape(said or unnamed)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(label)}">'
        f"{cleaned}</div>"
    )


def _frame(settings: Settings, as_of: dt.date, made: str, *rules: str) -> dict[str, Any]:
    css, language = "".join([style(), *rules]), settings.language
    head = template_text("head.html.j2")
    # The one style sheet and the one script are let in by their hashes: nothing else gets past the
    # page's Content-Security-Policy.
    head = head.replace("STYLE", source_hash(css)).replace("SCRIPT", source_hash(script()))
    return {
        **speech(language),
        "head": markupsafe.Markup(head),
        "css": markupsafe.Markup(css),
        "script": markupsafe.Markup(script()),
        "chain": settings.name,
        "chain_title": one_line(settings.name),
        "as_of": language.day(as_of),
        "made": language.in_digits(made),
        "version": __version__,
        "interval": language.share(settings.model.interval),
        "notice": markupsafe.Markup(NOTICE + NOTICE_END),
    }


def _named(settings: Settings, of: str, kind: PageKind) -> dict[str, Any]:
    """A name as a page's heading, within a sentence where there is none but the id."""
    say = speech(settings.language)["say"]
    unnamed, name = kind.title(settings, of)
    heading = say(kind.name, name=bdi(name)) if unnamed else bdi(name)
    name = one_line(name)
    # After the name: marks of direction are the language's own.
    title = settings.language.text(kind.name, name=name) if unnamed else name
    return {"heading": heading, "name_title": title, "kind": kind.name}


def _files(settings: Settings, kind: PageKind) -> markupsafe.Markup:
    """Which files lie beside a page."""
    say = speech(settings.language)["say"]
    names = {"customers": "customers.csv", "metrics": "metrics.json", "effect": "effect.json"}
    links = {
        place: markupsafe.Markup('<a href="{0}">{0}</a>').format(name)
        for place, name in names.items()
    }
    level = settings.language.share(settings.model.interval)
    return markupsafe.Markup(say(f"files.{kind.name}", level=level, **links))


def notebook_pages(
    notebook: nbformat.NotebookNode,
    settings: Settings,
    of: str,
    as_of: dt.date,
    made: str,
    kind: PageKind = STORE,
) -> dict[str, str]:
    """The pages of a store, or of what else has an id, from its executed notebook: HTML by file.

    What its notebook says about the numbers is a page beside it, linked from it, where there is any.
    """
    translate_text_cells(notebook, settings.language)
    leave_out_unanswered(notebook)
    say_each_once(notebook, settings.language.text("again"))
    named = _named(settings, of, kind)
    about = part_about(notebook)
    own = _filled(notebook, settings, named, as_of, made, kind, {"about": ABOUT if about else None})
    if about is None:
        return {kind.page: own}
    say = speech(settings.language)["say"]
    title = settings.language.text("about.title", name=named["name_title"])
    ran = markupsafe.Markup('<a href="{0}">{0}</a>').format(kind.notebook)
    led = {"up": kind.page, "up_to": named["heading"], "about": None, "notebook": ran}
    named = {**named, "heading": say("about.heading"), "name_title": title}
    return {kind.page: own, ABOUT: _filled(about, settings, named, as_of, made, kind, led)}


def _filled(
    notebook: nbformat.NotebookNode,
    settings: Settings,
    named: dict[str, Any],
    as_of: dt.date,
    made: str,
    kind: PageKind,
    led: dict[str, Any],
) -> str:
    """One page from the cells of a notebook; `led`: where it leads."""
    title = f"{one_line(settings.name)} · {named['name_title']}"
    printed = sheet_style(title, settings.language)
    page: dict[str, Any] = {"up": None, "notebook": None, **_frame(settings, as_of, made, printed)}
    page |= {**named, **led, "places": _places(notebook), "files": _files(settings, kind)}
    from nbconvert.exporters import TemplateExporter

    # Not HTMLExporter's own: it parses and writes the page once more, and gives pictures without
    # alternative text one that says nothing.
    text, _ = TemplateExporter.from_notebook_node(_exporter(), notebook, resources={"page": page})
    return with_english_told(str(text))


def _places(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    """Headings of the second order with their ids, for a reader to jump to."""
    shown = (
        cell.source
        for cell in notebook.cells
        if cell.cell_type == "markdown" and "lab-only" not in cell.metadata.get("tags", [])
    )
    headings = [found for text in shown for found in re.findall(r"^## +(.+?)\s*$", text, re.M)]
    return [(_place(heading), heading) for heading in headings]


def _place(heading: str) -> str:
    """A heading, of markdown or of HTML, as an id: in-short."""
    text = html.unescape(re.sub(r"<[^>]*>", "", heading))
    return re.sub(r"[\W_]+", "-", text.lower()).strip("-") or "place"


def _with_places(text: str) -> str:
    """HTML whose headings have ids, so that each can be linked to."""
    return re.sub(
        r"<h([23])>(.*?)</h\1>",
        lambda found: f'<h{found[1]} id="{_place(found[2])}">{found[2]}</h{found[1]}>',
        text,
        flags=re.DOTALL,
    )


def failure_page(
    failure: dict[str, Any],
    settings: Settings,
    of: str,
    as_of: dt.date,
    made: str,
    run: str,
    kind: PageKind = STORE,
) -> str:
    """The page of a store whose notebook failed: the entry of the manifest, and the id of the run."""
    return with_english_told(
        _environment()
        .get_template("failure.html.j2")
        .render(
            **_frame(settings, as_of, made),
            **_named(settings, of, kind),
            reason=failure["message"],
            since=since_words(failure["since"], run, settings.zone, settings.language),
        )
    )


def index_page(
    rows: list[dict[str, Any]],
    settings: Settings,
    as_of: dt.date,
    made: str,
    campaigns: str | None = None,
    campaign_rows: Sequence[dict[str, Any]] = (),
    tests: Sequence[ListTest] = (),
) -> str:
    """The chain's page: a row per store; `campaigns` is the address of its campaigns' page, if any.

    `campaign_rows` are those of that page, their addresses as seen from here; `tests` those of lists.
    """
    language, columns = settings.language, _columns(settings)
    found = chain_findings(rows, list(campaign_rows), settings, as_of)
    of_lists = in_short(tests, settings.actions, settings.money.currency)
    return with_english_told(
        _environment()
        .get_template("index.html.j2")
        .render(
            **_frame(settings, as_of, made, labels_style("stores", columns), _printed(settings)),
            rows=found["rows"],
            campaigns=campaigns,
            campaign_lines=found["campaigns"],
            columns=columns,
            short=[*found["short"], *of_lists],
            apart=found["apart"],
            margin=language.share(settings.money.margin),
        )
    )


def _printed(settings: Settings) -> str:
    """What stands at the foot of each sheet of a page of the whole chain."""
    return sheet_style(one_line(settings.name), settings.language)


def _columns(settings: Settings) -> list[str]:
    """The heads of the table of stores."""
    currency = settings.money.currency
    return [settings.language.text(f"stores.{name}", currency=currency) for name in _STORE_COLUMNS]


def campaign_index_page(
    rows: list[dict[str, Any]], settings: Settings, as_of: dt.date, made: str
) -> str:
    """The page of a chain's campaigns: a row each with name, href, what `effect.json` says, failure."""
    return with_english_told(
        _environment()
        .get_template("campaigns.html.j2")
        .render(
            **_frame(settings, as_of, made, _printed(settings)), rows=rows, day=as_of.isoformat()
        )
    )
