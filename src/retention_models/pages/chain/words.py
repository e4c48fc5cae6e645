"""What a chain's stores have in common, and who stands out: tables → sentences."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import markupsafe
import numpy as np

from retention_models.languages import ENGLISH, Language
from retention_models.measures.chain import FEWEST_STORES, INNER, OUTER, Funnel
from retention_models.pages.campaign.money import OPEN, Told, finished_campaign, paid_of
from retention_models.pages.html.templates import bdi, speech
from retention_models.settings.project import Settings

Row = dict[str, Any]

_MOST_NAMES = 5
_LINES = 5
# Beyond this share of its threshold a change is no accident; see `stands_out`.
_BEYOND = 1.0
_SHRINKING = ("revenue", "orders", "customers")


@dataclass(frozen=True, slots=True)
class Cell:
    """A number of the table of stores: as it is read, and what sorts it, where that is another."""

    text: str
    key: str = ""

    @classmethod
    def of(cls, value: float | None, kind: str, language: Language) -> Cell:
        """A count, a share or a change in percent; nothing where there is none."""
        if value is None:
            return cls("–", "none")
        text = language.figures(f"{value:,.0f}".replace("-", "−"))
        if kind == "percent":
            text = signed_percent(value, language)
        if kind == "share":
            text = language.share(value)
        plain = language == ENGLISH
        return cls(text, "" if plain else f"{value:.5g}")


def signed_percent(value: float, language: Language) -> str:
    """A relative change with its sign, which nothing has none of."""
    number = f"{100 * value:+.0f}".replace("-", "−") if round(100 * value) else "0"
    return language.isolated(language.percent(language.figures(number)))


def changed(row: Row, measure: str, *, year: bool = False) -> Row:
    """What is known of a measure's last quarter and the one before it; nothing of an old page's."""
    found = ((row["metrics"] or {}).get("changes") or {}).get("value") or {}
    return dict(found.get("year" if year else "measures", {}).get(measure) or {})


def relative(change: Row) -> float | None:
    """A change as a share of what was before."""
    if change.get("change") is None or not (change.get("value_before") or 0) > 0:
        return None
    return float(change["change"] / change["value_before"])


def is_beyond(change: Row) -> bool:
    """Whether a change is more than chance explains, by the rule of the store's own page."""
    return (change.get("size") or 0.0) > _BEYOND


def link(row: Row) -> markupsafe.Markup:
    """A store's, or a campaign's, name, as a link where it has a page."""
    if not row["href"]:
        return bdi(row["name"])
    return markupsafe.Markup('<a href="{}">{}</a>').format(row["href"], bdi(row["name"]))


def chain_in_short(fresh: Sequence[Row], settings: Settings) -> markupsafe.Markup:
    """Revenue, customers and expected margin of the stores together, each with its change."""
    say, counted = (speech(settings.language)[name] for name in ("say", "counted"))
    language, currency = settings.language, settings.money.currency

    def amount(value: float) -> str:
        return language.text("amount", amount=language.figures(f"{value:,.0f}"), currency=currency)

    revenue = [
        found for row in fresh if (found := changed(row, "revenue")).get("value") is not None
    ]
    if not revenue:
        return markupsafe.Markup(say("short.nothing"))
    customers = [changed(row, "customers") for row in fresh]
    places = {
        "revenue": amount(sum(found["value"] for found in revenue)),
        "customers": language.plural(
            "{n} customer",
            "{n} customers",
            round(sum(one.get("value") or 0.0 for one in customers)),
        ),
        "change": _together(revenue, language),
        "customers_change": _together(customers, language),
        "year": _together([changed(row, "revenue", year=True) for row in fresh], language),
    }
    if not (places["change"] and places["customers_change"]):
        key = "short.revenue.alone"
    else:
        key = "short.revenue.year" if places["year"] else "short.revenue"
    if places["customers_change"] and len(revenue) > 1:
        places["customers_change"] = say("short.each", change=places["customers_change"])
    told = say(key, **places, chance=say(_chance(revenue)))
    ahead = [
        row for row in fresh if _margin(row) is not None and changed(row, "revenue").get("value")
    ]
    if not ahead:
        return markupsafe.Markup(say("short.no_forecast", told=told))
    margin = sum(_margin(row) or 0.0 for row in ahead)
    last = settings.money.margin * sum(changed(row, "revenue")["value"] for row in ahead)
    return markupsafe.Markup(
        counted(
            "short.ahead" if len(ahead) < len(fresh) else "short.ahead.all",
            len(ahead),
            told=told,
            margin=amount(margin),
            change=signed_percent(margin / last - 1.0, language) if last > 0 else "",
        )
    )


def _margin(row: Row) -> float | None:
    found = row["metrics"].get("next_quarter") or {}
    return found.get("value")


def _together(changes: Sequence[Row], language: Language) -> str:
    """The change of several stores' sum, over those that can be compared; nothing where none can."""
    known = [found for found in changes if relative(found) is not None]
    before = sum(found["value_before"] for found in known)
    if not known:
        return ""
    return signed_percent(sum(found["change"] for found in known) / before, language)


def _chance(changes: Sequence[Row]) -> str:
    """Whether the sum of independent changes is more than chance explains."""
    known = [found for found in changes if found.get("change") is not None]
    known = [found for found in known if found.get("low") is not None]
    total = sum(found["change"] for found in known)
    half = float(np.linalg.norm([found["high"] - found["low"] for found in known])) / 2.0
    return "short.beyond" if abs(total) > half > 0.0 else "short.within"


def stores_in_trouble(rows: Sequence[Row], as_of: dt.date, language: Language) -> markupsafe.Markup:
    """Which stores are silent, have no new page, or shrink by more than chance; named and linked."""
    say, counted = (speech(language)[name] for name in ("say", "counted"))
    quiet = [row for row in rows if _silent_since(row)]
    failed = [row for row in rows if row["failure"]]
    shrinking = [row for row in rows if row not in [*quiet, *failed] and is_shrinking(row)]
    # Those of whom it is surest first: one in 20 of many stores is called so by chance.
    shrinking.sort(key=lambda row: -max(changed(row, n).get("size") or 0.0 for n in _SHRINKING))
    parts = []
    for key, some in (("silent", quiet), ("failed", failed), ("shrinking", shrinking)):
        names = [_with_reason(key, row, as_of, language) for row in some[:_MOST_NAMES]]
        if len(some) > _MOST_NAMES:
            names.append(counted("short.more", len(some) - _MOST_NAMES))
        if names:
            parts.append(say(f"short.{key}", stores=_listed(names, language)))
    return markupsafe.Markup(" ").join(parts or [say("short.well")])


def is_shrinking(row: Row) -> bool:
    """Whether revenue, orders or customers fell by more than chance, and not by the season alone."""
    fell = [name for name in _SHRINKING if is_beyond(changed(row, name))]
    fell = [name for name in fell if (changed(row, name).get("change") or 0.0) < 0.0]
    last_year = [changed(row, name, year=True) for name in fell]
    known = [found for found in last_year if found.get("high") is not None]
    # What is no less than a year before is the season.
    return bool(fell) and (not known or any(found["high"] < 0.0 for found in known))


def _with_reason(key: str, row: Row, as_of: dt.date, language: Language) -> markupsafe.Markup:
    say = speech(language)["say"]
    if key == "silent":
        since = short_day(dt.date.fromisoformat(_silent_since(row)), as_of, language)
        return markupsafe.Markup(say("short.since", store=link(row), day=since))
    fall = relative(changed(row, "revenue"))
    if key == "failed" or fall is None:
        return link(row)
    return markupsafe.Markup(
        say("short.fell", store=link(row), change=signed_percent(fall, language))
    )


def _silent_since(row: Row) -> str:
    return str((row["metrics"] or {}).get("silent_since") or "")


def short_day(day: dt.date, as_of: dt.date, language: Language) -> str:
    """A day where room is short: 15 Nov, and its year where that is not the page's."""
    return language.short_day(day, year=day.year != as_of.year)


def reason(row: Row, as_of: dt.date, language: Language) -> str:
    """What a reader should know of a store first, in a clause."""
    metrics = row["metrics"]
    if not metrics:
        return language.text("stores.no_page", reason=row["failure"])
    if since := _silent_since(row):
        day = short_day(dt.date.fromisoformat(since), as_of, language)
        return language.text("reason.silent", day=day)
    found = (metrics.get("changes") or {}).get("value")
    withheld = metrics["forecast"]["purchases"].get("reason")
    moved = _most_moved(row) if found else None
    if moved is not None:
        return _moved_by(row, moved, language)
    if withheld:
        return str(withheld)
    why = (metrics.get("changes") or {}).get("reason")
    notes = [change.get("note", "") for change in (found or {}).get("measures", {}).values()]
    compared = found and any(
        change.get("size") is not None for change in found["measures"].values()
    )
    return language.text("reason.chance") if compared else str(why or (notes or [""])[0])


def _most_moved(row: Row) -> str | None:
    """The measure that changed most beyond chance, on the store's own page too; None where none did."""
    measures = row["metrics"]["changes"]["value"]["measures"]
    sizes = {name: found.get("size") or 0.0 for name, found in measures.items()}
    largest = max(sizes, key=lambda name: sizes[name], default=None)
    return largest if largest is not None and sizes[largest] > _BEYOND else None


def _moved_by(row: Row, measure: str, language: Language) -> str:
    change = changed(row, measure)
    up = change["change"] > 0
    size = relative(change)
    if measure.endswith("_rate"):
        points = language.figures(f"{abs(100 * change['change']):.0f}")
        by = language.text("points", n=points)
    else:
        by = language.share(abs(size)) if size is not None else ""
    said = language.text(f"reason.{measure}.{'up' if up else 'down'}", by=by)
    year = changed(row, measure, year=True)
    if year.get("low") is not None and year["low"] <= 0.0 <= year["high"]:
        said = language.text("reason.season", said=said)
    return said


def finished(campaigns: Sequence[Row], as_of: dt.date) -> list[Row]:
    """Campaigns that have ended and have their numbers, the newest first."""
    told = [row for row in campaigns if row["metrics"]]
    over = [row for row in told if row["metrics"]["end"] <= as_of.isoformat()]
    return sorted(over, key=lambda row: row["metrics"]["end"], reverse=True)


def _told_of(row: Row, settings: Settings) -> list[Told]:
    metrics = row["metrics"]
    declared = {one.id: one.costs for one in settings.campaigns}
    costs = declared.get(str(metrics.get("campaign")))
    has_costs = costs is not None and any(costs.model_dump().values())
    return paid_of(metrics.get("overview") or [], settings.money.currency, costs=has_costs)


def campaigns_in_short(over: Sequence[Row], settings: Settings) -> list[markupsafe.Markup]:
    """Of how many campaigns it is known whether they paid; nothing where the project has none."""
    if not settings.campaigns:
        return []
    language = settings.language
    say, counted = (speech(language)[name] for name in ("say", "counted"))
    told = [one for row in over for one in _told_of(row, settings)]
    known = [one for one in told if one.verdict]
    if not known:
        return [markupsafe.Markup(say("short.no_campaign"))]
    costs = any(one.costs for one in known)
    places = {
        name: language.figures(f"{sum(one.verdict == name for one in known):,}")
        for name in ("paid", "did not pay", OPEN)
    }
    key = "short.campaigns" if costs else "short.uncosted"
    key = "short.open" if all(one.verdict == OPEN for one in known) else key
    return [
        markupsafe.Markup(
            counted(
                key,
                len(known),
                paid=places["paid"],
                lost=places["did not pay"],
                open=places[OPEN],
            )
        )
    ]


def campaign_lines(over: Sequence[Row], settings: Settings) -> list[markupsafe.Markup]:
    """The campaigns that ended last, in a line each: what they changed, whether they paid, the grade."""
    return [
        finished_campaign(
            link(row),
            dt.date.fromisoformat(row["metrics"]["end"]),
            row["metrics"]["verdict"] or "",
            row["metrics"]["grade"],
            _told_of(row, settings),
            row["metrics"]["refusal"] or "",
        )
        for row in over[:_LINES]
    ]


def funnel_reading(say: Language = ENGLISH) -> str:
    """How a funnel plot is read."""
    return say.text("apart.reading", inner=say.share(INNER), outer=say.share(OUTER, 1))


def no_funnel(stores: int, say: Language = ENGLISH) -> str:
    """Why this many stores have no funnel."""
    if stores < FEWEST_STORES:
        return say.text("apart.few", fewest=FEWEST_STORES)
    return say.text("apart.alike")


def funnel_found(funnel: Funnel, say: Language = ENGLISH) -> str:
    """What the funnel shows, which is the figure's alternative text too."""
    stores, outside = len(funnel.rate), int(np.count_nonzero(funnel.outside(OUTER)))
    texts = [say.text("apart.rate", rate=say.share(funnel.centre))]
    if funnel.spread:
        points = say.figures(f"{100 * funnel.spread:.1f}")
        texts.append(say.text("apart.spread", points=points))
    by_chance = stores * (1.0 - OUTER)
    places = {"stores": say.figures(f"{stores:,}"), "expected": say.figures(f"{by_chance:.0f}")}
    if not outside:
        texts.append(say.text("apart.none", **places))
    else:
        key = "apart.few_expected" if by_chance < 1 else "apart.some"
        texts.append(say.counted(key, outside, **places))
    return " ".join(texts)


def outside(stores: Sequence[tuple[Row, bool]], language: Language) -> markupsafe.Markup:
    """The stores outside the funnel's outer lines, the farthest first, linked, with their rates."""
    say = speech(language)["say"]
    names = [
        say(
            "apart.above" if above else "apart.below",
            store=link(row),
            rate=language.share(row["metrics"]["measures"]["repeat_customer_rate"]["value"]),
        )
        for row, above in stores[: 2 * _MOST_NAMES]
    ]
    return _listed(names, language)


def _listed(names: Sequence[str], language: Language) -> markupsafe.Markup:
    """Names, some of them links, as the language lists them."""
    # Each is escaped, or markup, already: only what stands between them is added.
    return markupsafe.Markup(language.listed(names))


def left_out(young: int, old: int, say: Language = ENGLISH) -> str:
    """Which stores are not in the comparison; empty where all are."""
    counts = {"left_out.young": young, "left_out.old": old}
    return " ".join(say.counted(key, n) for key, n in counts.items() if n)


def line_in_words(months: Sequence[Row], say: Language = ENGLISH) -> str:
    """The alternative text of a store's revenue by month."""
    known = [
        (say.short_month(dt.date.fromisoformat(f"{m['month']}-01"), year=True), m["revenue"])
        for m in months
        if m.get("revenue") is not None
    ]
    if not known:
        return say.text("months.few")
    (first, begin), (last, end) = known[0], known[-1]
    low, least = min(known, key=lambda pair: pair[1])
    top, most = max(known, key=lambda pair: pair[1])
    numbers = {"begin": begin, "end": end, "most": most, "least": least}
    counts = {name: say.figures(f"{number:,.0f}") for name, number in numbers.items()}
    return say.text("months.alt", first=first, last=last, top=top, low=low, **counts)
