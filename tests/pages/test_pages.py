"""Pages are self-contained: cleaned, linted, and styled from within."""

import datetime as dt
import re
import tempfile
from pathlib import Path

import nbformat
import numpy as np
import pytest

import chain_samples
import nights
from retention_models.languages import ENGLISH, Language
from retention_models.measures.chain import find_funnel
from retention_models.pages.chain import figures, words
from retention_models.pages.chain.figures import Sparkline, sparkline
from retention_models.pages.chain.findings import chain_findings
from retention_models.pages.html.cells import leave_out_unanswered
from retention_models.pages.html.checks import PageError, base64_of, clean_html, lint
from retention_models.pages.html.render import index_page
from retention_models.pages.html.templates import script, sheet_style, source_hash, style


@pytest.mark.parametrize(
    "bad",
    [
        "<script>1</script>",
        '<img src="https://example.org/x.png">',
        '<link rel="stylesheet" href="x.css">',
        '<p onclick="x()">',
        '<a href="javascript:x()">x</a>',
        '<iframe src="data:text/html,x"></iframe>',
        "<style>@import 'x.css';</style>",
        "<style>p { background: url(x.png) }</style>",
    ],
)
def test_what_would_leave_the_page_is_found(bad):
    """Fetched, run or embedded: the page is not published."""
    with pytest.raises(PageError, match="store 7: the page is not self-contained"):
        lint(f"<html><body>{bad}</body></html>", "store 7")


OWN_STYLE = f"<style>{style()}</style>"


@pytest.mark.parametrize(
    "bad",
    [
        # An image's data that end their attribute, comments that end early, text that a browser reads
        # by rules of its own, and what only looks like an end of it: each led a browser elsewhere.
        '<img alt="x" src="data:image/png;base64,AA"><meta http-equiv="refresh" content="0;url=//x">',
        '<!--><meta http-equiv="refresh" content="0;url=//x">-->',
        "<!--->\n<meta http-equiv=refresh content=0>-->",
        '<!-- --!><meta http-equiv="refresh" content="0">-->',
        '<textarea><meta http-equiv="refresh" content="0"></textarea>',
        '<textarea></textarea\n><a href="x" ping="//x">x</a>',
        '<title></title ><img alt="x" src=//x></title>',
        "<noscript><p title='</noscript><img src=x alt=x>'></noscript>",
        "<plaintext>",
        "<xmp><p></xmp>",
        "<template><script>1</script></template>",
        "<select><option>x</select>",
        '<p title="x" title="y">',
        "<p title=x>",
        "<p/onclick=x()>",
        "<p\x0conclick=x()>",
        "<![CDATA[<img src=x>]]>",
        "<?php x ?>",
        "</ p><p>",
        "<p title='a'onclick='b'>",
        '<a href="&#106;avascript:x()">x</a>',
        '<a href="java&Tab;script:x()">x</a>',
        '<a href="blob:x">x</a>',
        '<img alt="x" src="&#104;ttps://example.org/x.png">',
        '<img alt="x" src="data:text/html,x">',
        '<link rel="icon" href="https://example.org/x.ico">',
        '<link rel="prefetch" href="//example.org">',
        '<meta http-equiv="&#114;efresh" content="0">',
        '<META HTTP-EQUIV="Refresh" CONTENT="0">',
        "<style>p { background: u\\72l(x) }</style>",
        OWN_STYLE.replace("</style>", "@import 'x';</style>"),
        "<style></style",
        "<p",
        "a < b",
    ],
)
def test_no_encoding_gets_past_the_last_check(bad):
    """What this reads otherwise than a browser would is refused, whatever it is."""
    with pytest.raises(PageError):
        lint(f"<html><body>{bad}</body></html>", "store 7")


LINE = (
    '<svg viewBox="0 0 192 48" role="img" aria-label="Revenue 3 in Jan, 5 in Feb.">'
    '<path d="M6 42l16-13"/><circle cx="22" cy="29" r="2"/></svg>'
)


def test_a_line_of_fixed_form_is_the_one_vector_image_that_may_stand():
    """In words, too; with or without its dot."""
    for line in (LINE, LINE.replace('<circle cx="22" cy="29" r="2"/>', "")):
        assert line == lint(line, "store 7")


@pytest.mark.parametrize(
    ("part", "bad"),
    [
        ("Revenue 3 in Jan, 5 in Feb.", " "),
        (' aria-label="Revenue 3 in Jan, 5 in Feb."', ""),
        ('role="img"', 'role="img" onload="x()"'),
        ("<path", "<script>1</script><path"),
        ("<path", '<a href="javascript:x()"><path'),
        ('d="M6 42l16-13"', 'd="M6 42" onclick="x()"'),
        ('d="M6 42l16-13"', 'd="url(x)"'),
        ('r="2"/>', 'r="2"/><image href="https://example.org/x.png"/>'),
        ('r="2"/>', 'r="2"><animate/></circle>'),
        ("</svg>", ""),
    ],
)
def test_no_other_vector_image_passes(part, bad):
    """Whatever else it may hold a browser reads by rules of its own."""
    assert part in LINE
    with pytest.raises(PageError, match="not self-contained"):
        lint(LINE.replace(part, bad), "store 7")


def test_data_of_an_image_are_base64_or_none():
    """They stand in an attribute."""
    assert "iVBORw0KGgo=" == base64_of("iVBORw0K\nGgo=\n")
    for bad in ('AA"><meta http-equiv="refresh" content="0;url=//x">', "AA=A", "A\x00"):
        with pytest.raises(PageError, match="says that it is an image"):
            base64_of(bad)


def own(more: str = "") -> str:
    """A page with the script of all pages, and more."""
    return f"<html><body><script>{script()}</script>{more}</body></html>"


def test_the_pages_own_script_passes_by_its_hash():
    """And the policy in the page's head names the same hash."""
    assert own() == lint(own(), "store 7")
    head = index_page([], settings_without_data(), dt.date(2023, 12, 31), "-")
    assert f"script-src '{source_hash(script())}'" in head
    assert "unsafe" not in head.partition("</head>")[0]


@pytest.mark.parametrize(
    "bad",
    [
        own("<script>1</script>"),
        own(f"<script>{script()}</script>"),
        own().replace("use strict", "use"),
        own().replace("<script>", '<script type="module">'),
        own().replace("<script>", '<script src="data:,1">'),
        own().replace("</script>", ""),
        own("<script src='data:,1'/>"),
        own("<SCRIPT>1</SCRIPT >"),
    ],
)
def test_no_other_script_passes(bad):
    """Nor the same one twice, changed, or with an attribute."""
    with pytest.raises(PageError, match="script"):
        lint(bad, "store 7")


def test_text_that_only_looks_like_markup_passes():
    """Escaped text is text."""
    page = '<p title="onclick=x">&lt;script&gt; url(x) <img alt="x" src="data:,"></p>'
    assert page == lint(page, "store 7")


def test_cleaning_keeps_tables_and_drops_scripts():
    """Captions and scopes stay, handlers go."""
    table = '<table><caption>c</caption><tr><th scope="col" onclick="x()">h</th></tr></table>'
    cleaned = clean_html(table + "<script>x()</script><svg onload=x()></svg>")
    assert '<th scope="col">h</th>' in cleaned
    assert "caption" in cleaned
    assert "script" not in cleaned
    assert "svg" not in cleaned
    assert "onclick" not in cleaned


def points_of(line: Sparkline) -> list[tuple[float, float]]:
    """The ends of a sparkline's strokes, in pixels."""
    points, at = [], (0.0, 0.0)
    for pen, x, y in re.findall(r"([Ml])(-?\d+) ?(-?\d+)", line.path):
        at = (float(x), float(y)) if pen == "M" else (at[0] + float(x), at[1] + float(y))
        points.append((at[0] / 2, at[1] / 2))
    assert line.dot == (at if points else None)
    return points


def test_a_sparkline_goes_from_its_least_to_its_largest_value():
    """Evenly from left to right; a gap where nothing is said."""
    assert [(3.0, 21.0), (33.0, 12.0), (93.0, 3.0)] == points_of(sparkline([5, 10, None, 15]))
    assert sparkline([0, 5, None, 10]).path.count("M") == 2


def test_a_sparkline_makes_no_change_of_next_to_nothing():
    """Two percent are a fifteenth of its height, and no more."""
    heights = [y for _, y in points_of(sparkline([100, 98]))]
    assert 3.0 == heights[0]
    assert heights[1] == pytest.approx(3.0 + 18.0 / 15.0, abs=0.5)


def test_a_sparkline_of_nothing_is_empty():
    """Neither a division by 0 nor a line."""
    assert [] == points_of(sparkline([None, None]))
    assert [(3.0, 21.0)] == points_of(sparkline([0]))


@pytest.fixture(scope="module")
def sixty():
    """Rows of sixty stores, and what is found in them."""
    rows = chain_samples.rows(60)
    return rows, found_in(rows)


def found_in(rows, campaigns=()):
    """What is found in rows of a chain."""
    return chain_findings(rows, list(campaigns), settings_without_data(), nights.DAY)


def test_the_store_that_differs_stands_out_and_the_one_that_shrank_is_named(sixty):
    """Store 3 has half the chain's repeat rate, store 4 lost half of its customers."""
    _, found = sixty
    assert "0003 Market Street</bdi></a> (1" in found["apart"]["outside"]
    assert "below)" in found["apart"]["outside"]
    trouble = found["short"][1]
    assert "Without a new page: " in trouble
    assert 'Shrinking by more than chance: <a href="0004/store_report.html">' in trouble
    assert "0004 Market Street</bdi></a> (−50%)." in trouble


def test_the_worst_change_of_revenue_is_first_and_what_has_none_last(sixty):
    """With the reason in words."""
    _, found = sixty
    told = [row for row in found["rows"] if row["cells"]]
    assert "0004 Market Street" == told[0]["name"]
    assert "−50%" == told[0]["cells"][1].text
    assert "50% down, more than chance" in told[0]["reason"]
    changes = [float(row["cells"][1].text.strip("%+").replace("−", "-")) for row in told]
    assert sorted(changes) == changes
    assert all(row["whole"] for row in found["rows"][-1:])


def test_the_sums_of_the_chain_are_those_of_its_stores(sixty):
    """Revenue and customers, of stores with a page of tonight; the margin of those with a forecast."""
    rows, found = sixty
    fresh = [row["metrics"] for row in rows if row["metrics"] and not row["old"]]
    measures = [metrics["changes"]["value"]["measures"] for metrics in fresh]
    revenue, customers = (
        sum(one[name]["value"] for one in measures) for name in ("revenue", "customers")
    )
    known = [m["next_quarter"]["value"] for m in fresh if m["next_quarter"]["value"] is not None]
    for part in (f"{revenue:,.0f} EUR", f"{customers:,.0f} customers", f"{sum(known):,.0f} EUR"):
        assert part in found["short"][0]
    assert f"in the {len(known)} stores whose forecasts can be used" in found["short"][0]
    each = ", whoever bought at several stores counted at each)"
    assert each in found["short"][0]
    assert each not in found_in(chain_samples.rows(1))["short"][0]


@pytest.mark.parametrize(
    ("forecast", "value", "said"),
    [
        ("use with care", "use", "take the expected margin with care"),
        ("use", "use with care", "take the expected margin with care"),
        ("use with care", "do not use", "do not use the expected margin"),
        ("use", "use", ""),
    ],
)
def test_a_margin_is_told_with_the_care_that_the_stores_own_page_asks_for(forecast, value, said):
    """Whether its check was off in money, or the forecast's in purchases."""
    rows = chain_samples.rows(1)
    verdicts = {"forecast_verdict": {"value": forecast}, "value_verdict": {"value": value}}
    rows[0]["metrics"] |= verdicts | {"next_quarter": {"value": 10.0, "low": 5.0, "high": 15.0}}
    reason = found_in(rows)["rows"][0]["reason"]
    assert reason.endswith(said)
    assert bool(said) == ("margin" in reason)
    changes = rows[0]["metrics"]["changes"]["value"]["measures"].values()
    for change in changes:
        change |= {"size": None, "change": None, "note": "One of the two was closed for longer."}
    closed = found_in(rows)["rows"][0]["reason"]
    told = "One of the two was closed for longer"
    assert closed == (f"{told}; {said}" if said else f"{told}.")


def test_a_fall_that_came_a_year_before_too_is_no_shrinking():
    """It is the season, and the row says so."""
    rows = chain_samples.rows(5)
    changes = rows[4]["metrics"]["changes"]["value"]
    same = {"change": 0.0, "low": -50.0, "high": 50.0, "value_before": 1000.0, "value": 1000.0}
    changes["year"] = {name: changes["measures"][name] | same for name in changes["measures"]}
    found = found_in(rows)
    assert "No store is silent" in found["short"][1]
    reason = next(row["reason"] for row in found["rows"] if row["name"] == rows[4]["name"])
    assert reason.endswith("more than chance, but not against a year before")


def test_a_silent_store_is_named_with_its_day():
    """The year is said where it is another one."""
    rows = chain_samples.rows(2)
    rows[0]["metrics"]["silent_since"] = "2023-11-15"
    rows[1]["metrics"]["silent_since"] = "2022-11-15"
    found = found_in(rows)
    assert "</a> since 15 Nov and " in found["short"][1]
    reasons = {row["name"]: row["reason"] for row in found["rows"]}
    assert ["silent since 15 Nov", "silent since 15 Nov 2022"] == [reasons[r["name"]] for r in rows]


def test_old_and_young_stores_are_not_compared_and_counted():
    """Their numbers are of other days."""
    young = chain_samples.rows(60)
    for place in (30, 31):
        young[place]["metrics"]["first_day"] = "2023-06-01"
    found = found_in(young)["apart"]
    assert (
        "Not compared: 2 stores without a year of purchases or with too few customers. "
        "Not compared: 2 stores without a page of tonight." == found["left_out"]
    )


def test_metrics_of_an_earlier_version_have_a_row_and_no_line():
    """A page kept from before knows neither months nor changes."""
    rows = chain_samples.rows(6)
    for row in rows:
        for name in ("months", "changes", "first_day", "next_quarter", "silent_since"):
            row["metrics"].pop(name)
        row["metrics"] |= {"next_quarter": None}
    found = found_in(rows)
    assert [None] * 6 == [row["line"] for row in found["rows"]]
    assert ["–"] * 4 == [cell.text for cell in found["rows"][0]["cells"][:4]]
    assert "needs 5" in found["apart"]["refusal"]


def test_a_funnel_plot_draws_every_limit_and_names_every_store():
    """Lines without a hole, and as many points as stores; a name of a formula stays one."""
    rng = np.random.default_rng(4)
    total = np.geomspace(10, 4000, 30).astype(int)
    count = rng.binomial(total, 0.3)
    count[25] = total[25] * 0.6
    funnel = find_funnel(count, total)
    names = ["$x^2$", *(f"Store {n}" for n in range(28)), ""]
    axes = figures.funnel_plot(funnel, names, "Bought again")
    limits = [line for line in axes.lines if len(line.get_xdata()) > 50]
    assert 4 == len(limits)
    assert all(np.isfinite(line.get_ydata()).all() for line in limits)
    points = [line for line in axes.lines if line.get_linestyle() == "None"]
    assert 30 == sum(len(line.get_xdata()) for line in points)
    assert {"95%", "99.8%", *names[:-1]} == {text.get_text() for text in axes.texts}
    assert "1 of the 30 stores lies outside" in words.funnel_found(funnel)


def test_a_change_of_nothing_has_no_sign():
    """Nor is it less than nothing; a loss has a minus, not a hyphen."""
    signed = [words.signed_percent(change, ENGLISH) for change in (-0.001, 0.012, -0.25)]
    assert ["0%", "+1%", "−25%"] == signed


def test_campaigns_have_a_line_each_in_the_words_of_their_pages():
    """The five that ended last; one without a cost is not said to cost nothing."""
    rows = [
        {
            "name": f"Coupon {n}",
            "href": f"{n}/campaign_report.html",
            "old": None,
            "failure": None,
            "metrics": {
                "campaign": str(n),
                "end": f"2023-0{n}-01" if n < 7 else "2024-02-01",
                "verdict": "more purchases",
                "refusal": "",
                "grade": "A",
                "overview": [
                    {"arm": "a", "profit": 900.0, "profit_low": 50.0, "profit_high": 1750.0}
                ],
            },
        }
        for n in range(1, 8)
    ]
    settings = settings_without_data()
    lines = words.campaign_lines(words.finished(rows, nights.DAY), settings)
    assert 5 == len(lines)
    assert (
        '<a href="6/campaign_report.html"><bdi>Coupon 6</bdi></a> (until 1 June 2023): more purchases; '
        "profit 900 EUR (50 to 1,750) before costs, none declared; grade A." == lines[0]
    )


def test_the_chains_page_names_all_that_failed_or_is_old():
    """In the table, and the first five above it."""
    rows = chain_samples.rows(20)
    for row in rows[:12]:
        row |= {"failure": "Cell 5 failed."}
    html = index_page(rows, settings_without_data(), nights.DAY, "-")
    assert 6 == html.count('<p class="failure">')
    assert "7 more have no new page" in html
    assert html == lint(html, "index")


def test_numbers_of_the_chains_page_are_written_and_sorted_in_any_language(monkeypatch):
    """Where a comma is no separator of thousands, the script is told the number."""
    rows, settings = chain_samples.rows(20), settings_without_data()
    customers = rows[3]["metrics"]["changes"]["value"]["measures"]["customers"]
    customers["value"] = 2000.0
    assert "<td>2,000" in index_page(rows, settings, nights.DAY, "-")
    german = Language("de", "ltr", separators=(".", ","))
    monkeypatch.setattr(type(settings), "language", german)
    html = index_page(rows, settings, nights.DAY, "-")
    assert '<td data-value="2000">2.000' in html
    assert not re.search(r"td>\d+,\d{3}<", html)


def settings_without_data():
    """Settings of a project without data."""
    with tempfile.TemporaryDirectory() as folder:
        return nights.settings_in(Path(folder))


def test_the_page_of_a_silent_store_ends_after_its_first_part():
    """Sections that say only that the page ended are left out, with what is folded."""
    status, end = '<p class="status bad">Silent.</p>', '<p class="refusal end">It ends.</p>'
    parts = {"## In short": [status], "## Call tomorrow": [end], "## About": [], "### Trust": [end]}
    cells = [cell for heading, shown in parts.items() for cell in section(heading, *shown)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    leave_out_unanswered(notebook)
    headings = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert ["## In short"] == headings


def test_each_sheet_is_named_in_letters_that_end_no_string():
    """A name cannot leave the style sheet, and a comma keeps the space after it."""
    rules = sheet_style('Shops, "A"; } x', ENGLISH)
    assert r'content: "Shops\00002c  \000022 A\000022 \00003b  \00007d  x"' in rules
    page = f"<html><head><style>{style()}{rules}</style></head></html>"
    assert page == lint(page, "store 7")
    with pytest.raises(PageError, match="style sheet"):
        lint(page.replace("counter(page)", "url(x)"), "store 7")


def section(heading: str, *shown: str) -> list:
    """Cells of a section that shows these texts."""
    return [nbformat.v4.new_markdown_cell(heading), *nights.notebook(*shown).cells]


def test_sections_that_say_only_what_the_first_cannot_say_are_left_out():
    """Not one with an answer, another reason, or a section of its own that stays."""
    no, other = '<p class="refusal">No data.</p>', '<p class="refusal">No survey.</p>'
    parts = {
        "## In short": [no],
        "## Who comes back?": [no, no],
        "## Are they content?": [other],
        "## Can we trust this?": [no],
        "### From what?": ["<p>9 rows.</p>"],
        "### How do they buy?": [no],
    }
    cells = [cell for heading, shown in parts.items() for cell in section(heading, *shown)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    leave_out_unanswered(notebook)
    left = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    gone = {"## Who comes back?", "### How do they buy?"}
    assert [heading for heading in parts if heading not in gone] == left
    answered = nbformat.v4.new_notebook(cells=[*section("## In short", "<p>9.</p>"), *cells[2:4]])
    leave_out_unanswered(answered)
    assert 4 == len(answered.cells)
