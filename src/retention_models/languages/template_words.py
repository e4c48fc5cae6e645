"""The sentences of the chain's page, of failures, and of every page's frame, in English."""

from __future__ import annotations

from collections.abc import Mapping

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)

_FRAME = {
    "day": "{day} {month} {year}",
    "range": "{low} to {high}",
    "percent": "{n}%",
    "amount": "{amount} {currency}",
    "points": "{n} points",
    "skip": "Skip to the content",
    "chain": "Chain",
    "on this page": "On this page",
    "table": "Table",
    "as of": "As of {day} · made {made}",
    "made with": "Made with retention_models {version}.",
    "show code": "Show the code",
    "code": "Code",
    "sort by": "Sort by",
    "again": "Not said, for the same reason.",
    "store": "Store {name}",
    "campaign": "Campaign {name}",
    "files.store": (
        "The table of all customers is {customers}, the headline numbers are {metrics}. Intervals of "
        "rates are 95%; those of forecasts are {level} and count both chance and what the data leave "
        "open."
    ),
    "files.campaign": (
        "The tables lie beside this page, effects.csv among them, where the campaign has an effect; "
        "the headline is {effect}. Intervals are 95%."
    ),
    "models": (
        "Models: Fader, Hardie & Lee (2005), BG/NBD; Fader & Hardie (2013), Gamma-Gamma. Made with "
        "retention_models {version}."
    ),
}

_FAILURES = {
    "index.unreadable": "Its numbers cannot be read: {file} is not as it should be.",
    "index.other_settings": (
        "Its page as of {day} was made with another currency, horizon, margin or model than stand "
        "here now, so its numbers are not shown beside the others. The next run of all stores makes "
        "it anew."
    ),
    "warnings": "Published with a warning about the data.",
    "warnings.more.one": "There is {n} warning more.",
    "warnings.more.many": "There are {n} warnings more.",
    "failure.title": "{name}: no page · {chain}",
    "failure.store": "The report of this store could not be made tonight. {reason}",
    "failure.campaign": "The report of this campaign could not be made tonight. {reason}",
    "failure.since": "Since when?",
    "failure.first": "Tonight is the first time.",
    "failure.every_run": "It has failed in every run since the one as of {day} ({moment}).",
    "failure.no_earlier": "There is no page of an earlier run to show in its place.",
    "failure.holds": "What still holds?",
    "failure.holds.store": (
        "The other reports do not depend on this one, and nothing of this store’s data is lost: the "
        "next run reads them again. Whatever you noted from an earlier report of this store stays true "
        "for its day."
    ),
    "failure.holds.campaign": (
        "The other reports do not depend on this one, and nothing of this campaign’s data is lost: the "
        "next run reads them again. Whatever you noted from an earlier report of this campaign stays "
        "true for its day."
    ),
    "failure.who": "Who can mend it?",
    "failure.details": (
        "Whoever looks after the reports finds what happened in {file} beside this page, and in the "
        "log of the run; where the notebook ran, it lies there as failed_report.ipynb."
    ),
    "failure.pending": "It has not been made yet.",
    "failure.old": (
        "This page is old: it shows the store as of {of} and was made {made}. Tonight's, as of {day}, "
        "could not be made. {reason} {since}"
    ),
}

_INDEX = {
    "index.title": "{chain}: stores as of {day}",
    "index.meta.one": "{n} store as of {day} · made {made}",
    "index.meta.many": "{n} stores as of {day} · made {made}",
    "index.nav.stores": "Every store",
    "index.nav.moved": "What moved most",
    "index.nav.apart": "Which stores stand out",
    "index.nav.campaigns": "What the campaigns did",
    "index.failed": "Store {name}: no new page. {reason}",
    "index.kept": "Store {name}: no new page. {reason} Its page as of {day} is kept.",
    "index.more_failed.one": (
        "{n} more has no new page: the table of every store says of each what happened."
    ),
    "index.more_failed.many": (
        "{n} more have no new page: the table of every store says of each what happened."
    ),
    "index.foot": (
        "Intervals of rates are 95%, those of forecasts {level}. Made with retention_models {version}."
    ),
    "stores.heading": "How is every store doing?",
    "stores.caption": "Every store, with the customers it has and what they are expected to do",
    "stores.find": "Find a store",
    # {shown} and {all} are filled in the page, by its script.
    "stores.found": "{shown} of {all} stores shown",
    "stores.store": "Store",
    "stores.customers": "Customers, last year",
    "stores.months": "Customers a month",
    "stores.repeat": "Bought on more than one day",
    "stores.spend": "Spend per order, {currency}",
    "stores.still": "Still customers",
    "stores.purchases": "Purchases expected in {horizon}",
    "stores.value": "Their value, {currency}",
    "stores.forecast": "Forecast",
    "stores.old": "old page, as of {day}",
    "stores.none": "not said",
    "stores.few": "too few",
    "stores.in_money": "in money: {verdict}",
    "stores.why": "Why “not said”",
    "stores.no_page": "no page: {reason}",
    "stores.reading": (
        "“Forecast” says whether the model held on the weeks that it had not seen; each store's page "
        "gives the figures. Where it did not, the forecast is withheld and its columns say “not said”."
    ),
    "horizon.D.one": "{n} day",
    "horizon.D.many": "{n} days",
    "horizon.W.one": "{n} week",
    "horizon.W.many": "{n} weeks",
    "horizon.M.one": "{n} month",
    "horizon.M.many": "{n} months",
    "verdict.use": "use",
    "verdict.use with care": "use with care",
    "verdict.do not use": "do not use",
    "verdict.not checked": "not checked",
}

_MOVED = {
    "moved.heading": "What moved most?",
    "moved.caption": "The last {days} days against the {days} before",
    "moved.what": "What changed",
    "moved.before": "Before",
    "moved.now": "Now",
    "moved.change": "Change, with its 95% interval",
    "moved.nothing": ("No store's data reach back far enough to compare it with the time before."),
    "measure.customers": "customers",
    "measure.repeat_customer_rate": "share who bought on more than one day",
    "measure.spend_per_order": "spend per order, {currency}",
    "moved.none.one": (
        "The last {days} days against the {days} before, of {n} store: no change of customers, of the "
        "share who came back, or of spend per order is more than chance explains."
    ),
    "moved.none.many": (
        "The last {days} days against the {days} before, of {n} stores: no change of customers, of the "
        "share who came back, or of spend per order is more than chance explains."
    ),
    "moved.some.one": (
        "The last {days} days against the {days} before, of {stores}: of {looked} changes {n} is more "
        "than chance explains."
    ),
    "moved.some.many": (
        "The last {days} days against the {days} before, of {stores}: of {looked} changes {n} are more "
        "than chance explains."
    ),
    "moved.stores.one": "{n} store",
    "moved.stores.many": "{n} stores",
    "moved.shown": "The {shown} of which most is sure are shown.",
    "moved.false": (
        "Where so many are looked at, one in {false} of those named may still be chance."
    ),
    "moved.season": (
        "A season shows here as well: the data do not reach back to the same days of the year before."
    ),
    "moved.middle": (
        "In the middle store the number of customers changed by {customers}, the share who came back "
        "by {repeat} points and spend per order by {spend}."
    ),
}

_APART = {
    "apart.heading": "Which stores stand out?",
    "apart.caption": (
        "Stores outside the outer lines, the farthest first, with their numbers in the figure"
    ),
    "apart.number": "Number",
    "apart.customers": "Customers",
    "apart.by_chance": "Stores of this size, by chance",
    "apart.above": "{rate} ▲ above",
    "apart.below": "{rate} ▼ below",
    "apart.few": "A comparison of stores needs {fewest} of them or more.",
    "apart.alike": "All customers of the chain are alike in this, so no store stands out.",
    "apart.axis": "Customers of the last year",
    "apart.title": "Every store, and how far chance lets it stray",
    "apart.reading": (
        "Each point is a store: the share of its customers of the last year who bought on more than one "
        "day, against how many customers it had. Small stores vary more, by chance alone: the lines, "
        "between which {inner} and {outer} of stores lie that are like the rest of the chain, open "
        "towards them. A store between the lines is no better and no worse than its neighbours as far "
        "as anybody can tell; its place in a ranking would say nothing."
    ),
    "apart.rate": "The chain's rate is {rate}.",
    "apart.spread": (
        "The stores differ by more than chance, one from another typically by {points} points, and the "
        "lines allow for that."
    ),
    "apart.none": "None of the {stores} stores lies outside the outer lines.",
    "apart.few_expected.one": (
        "{n} of the {stores} stores lies outside the outer lines, where fewer than one would by chance."
    ),
    "apart.few_expected.many": (
        "{n} of the {stores} stores lie outside the outer lines, where fewer than one would by chance."
    ),
    "apart.some.one": (
        "{n} of the {stores} stores lies outside the outer lines, where about {expected} would by "
        "chance."
    ),
    "apart.some.many": (
        "{n} of the {stores} stores lie outside the outer lines, where about {expected} would by "
        "chance."
    ),
    "left_out.young.one": (
        "Not compared: {n} store without a year of purchases or with too few customers."
    ),
    "left_out.young.many": (
        "Not compared: {n} stores without a year of purchases or with too few customers."
    ),
    "left_out.old.one": "Not compared: {n} store without a page of tonight.",
    "left_out.old.many": "Not compared: {n} stores without a page of tonight.",
    "months.few": "Too few customers a month to show.",
    "months.alt": "{begin} in {first}, {end} in {last}, most in {top} ({most}).",
}

_CAMPAIGNS = {
    "campaigns.title": "{chain}: campaigns as of {day}",
    "campaigns.heading": "{chain}: campaigns",
    "campaigns.stores": "Every store",
    "campaigns.meta": "The {n} newest as of {day} · made {made}",
    "campaigns.failed": "Campaign {name}: no new page. {reason}",
    "campaigns.kept": "Campaign {name}: no new page. {reason} Its page as of {day} is kept.",
    "campaigns.caption": "Every campaign, what it changed, and how far that can be believed",
    "campaigns.campaign": "Campaign",
    "campaigns.from": "From",
    "campaigns.to": "To",
    "campaigns.changed": "Changed",
    "campaigns.grade": "Grade",
    "campaigns.verdict": "Verdict",
    "campaigns.no_grade": "none",
    "campaigns.not_told": "not told",
    "campaigns.no_page": "no page: {reason}",
    "campaigns.grades": (
        "Grade A: a lot decided who was offered it. B: whole stores had it. C: a rule chose customers. "
        "D: customers chose for themselves, or a check failed. None: no effect is given, for the reason "
        "beside it. “Changed” is the lift of the figure that was to decide, with its 95% interval."
    ),
}

WORDS: Mapping[str, str] = _FRAME | _FAILURES | _INDEX | _MOVED | _APART | _CAMPAIGNS
