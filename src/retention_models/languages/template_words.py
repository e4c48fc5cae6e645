"""The sentences of the chain's page, of failures, and of every page's frame, in English."""

from __future__ import annotations

from collections.abc import Mapping

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)

SHORT_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_FRAME = {
    "range": "{low} to {high}",
    "amount": "{amount} {currency}",
    "clauses": "{before}; {after}",
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
    "ascending": "lowest first",
    "descending": "highest first",
    "again": "Not said, for the same reason.",
    "store": "Store {name}",
    "campaign": "Campaign {name}",
    "about.heading": "About these numbers",
    "about.title": "About the numbers of {name}",
    "about.link": "About these numbers",
    "about.what": (
        "how they are made, how far the forecast held on weeks that it had not seen, what each means."
    ),
    "about.notebook": "These pages are made by a notebook, which lies here as it ran: {notebook}.",
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
    "index.nav.short": "In short",
    "index.nav.stores": "Every store",
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
    "stores.caption": "Every store: its last 13 weeks, and its next",
    "stores.find": "Find a store",
    # {shown} and {all} are filled in the page, by its script.
    "stores.found": "{shown} of {all} stores shown",
    "stores.store": "Store",
    "stores.line": "Revenue of 12 months",
    "stores.revenue": "Revenue, {currency}",
    "stores.revenue_change": "Revenue change",
    "stores.customers": "Customers",
    "stores.customers_change": "Customer change",
    "stores.back": "Repeat customers",
    "stores.margin": "Expected margin, {currency}",
    "stores.reason": "What to know",
    "stores.old": "old page, as of {day}",
    "stores.few": "too few",
    "stores.money.use with care": "take the expected margin with care",
    "stores.money.do not use": "do not use the expected margin",
    "stores.no_page": "no page: {reason}",
    "stores.reading": (
        "Revenue and customers are those of the last 13 weeks, with their change on the 13 before; the "
        "line shows twelve months, from the store's own lowest to its highest. “Repeat customers”: "
        "share who bought on more than one day of the last year. “Expected margin”: {margin} of what "
        "the next 13 weeks should bring in revenue. “More than chance” is said by the rule of the "
        "store's own page, by which one store in 20 that did not change is called so."
    ),
    "reason.silent": "silent since {day}",
    "reason.chance": "no change beyond chance",
    "reason.season": "{said}, but not against a year before",
    "reason.revenue.up": "revenue {by} up, more than chance",
    "reason.revenue.down": "revenue {by} down, more than chance",
    "reason.orders.up": "orders {by} up, more than chance",
    "reason.orders.down": "orders {by} down, more than chance",
    "reason.customers.up": "customers {by} up, more than chance",
    "reason.customers.down": "customers {by} down, more than chance",
    "reason.repeat_customer_rate.up": "share of repeat customers {by} up, more than chance",
    "reason.repeat_customer_rate.down": "share of repeat customers {by} down, more than chance",
    "reason.retention_rate.up": "share of active customers kept {by} up, more than chance",
    "reason.retention_rate.down": "share of active customers kept {by} down, more than chance",
    "reason.purchase_frequency.up": "orders a customer {by} up, more than chance",
    "reason.purchase_frequency.down": "orders a customer {by} down, more than chance",
    "reason.spend_per_order.up": "spend per order {by} up, more than chance",
    "reason.spend_per_order.down": "spend per order {by} down, more than chance",
}

_SHORT = {
    "short.heading": "In short",
    "short.nothing": "No store has numbers of the last 13 weeks.",
    "short.revenue": (
        "The last 13 weeks brought {revenue}, {change} on the 13 weeks before ({chance}), from "
        "{customers} ({customers_change})"
    ),
    "short.revenue.year": (
        "The last 13 weeks brought {revenue}, {change} on the 13 weeks before ({chance}) and "
        "{year} on a year before, from {customers} ({customers_change})"
    ),
    "short.revenue.alone": (
        "The last 13 weeks brought {revenue}, from {customers}; they cannot be compared with the 13 "
        "before"
    ),
    "short.each": "{change}, whoever bought at several stores counted at each",
    "short.within": "within chance",
    "short.beyond": "more than chance",
    "short.ahead.one": (
        "{told}; the next 13 should bring a margin of {margin} in the one store whose forecast can be "
        "used, {change} on its last 13."
    ),
    "short.ahead.many": (
        "{told}; the next 13 should bring a margin of {margin} in the {n} stores whose forecasts can be "
        "used, {change} on their last 13."
    ),
    "short.ahead.all.one": (
        "{told}; the next 13 should bring a margin of {margin}, {change} on the last 13."
    ),
    "short.ahead.all.many": (
        "{told}; the next 13 should bring a margin of {margin}, {change} on the last 13."
    ),
    "short.no_forecast": "{told}; what the next 13 will bring cannot be said of any store.",
    "short.silent": "Silent: {stores}.",
    "short.failed": "Without a new page: {stores}.",
    "short.shrinking": "Shrinking by more than chance: {stores}.",
    "short.since": "{store} since {day}",
    "short.fell": "{store} ({change})",
    "short.more.one": "{n} more store",
    "short.more.many": "{n} more stores",
    "short.well": "No store is silent, without a new page, or shrinking by more than chance.",
    "short.no_campaign": "No finished campaign has told yet whether it paid.",
    "short.open.one": (
        "One campaign has finished: whether it paid is open, for chance could have made its profit."
    ),
    "short.open.many": (
        "{n} campaigns have finished: whether any paid is open, for chance could have made their "
        "profits."
    ),
    "short.campaigns.one": "One campaign has finished: {paid} paid, {lost} did not, {open} is open.",
    "short.campaigns.many": (
        "{n} campaigns have finished: {paid} paid, {lost} did not, {open} remain open."
    ),
    "short.uncosted.one": (
        "One campaign has finished, its costs not declared: before them {paid} made a profit, {lost} a "
        "loss beyond chance, {open} remains open."
    ),
    "short.uncosted.many": (
        "{n} campaigns have finished, their costs not declared: before them {paid} made a profit, "
        "{lost} a loss beyond chance, {open} remain open."
    ),
}

_APART = {
    "apart.heading": "Which stores stand out?",
    "apart.rate_axis": "Repeat customers",
    "apart.above": "{store} ({rate}, above)",
    "apart.below": "{store} ({rate}, below)",
    "apart.few": "A comparison of stores needs {fewest} of them or more.",
    "apart.alike": "All customers of the chain are alike in this, so no store stands out.",
    "apart.axis": "Customers of the last year",
    "apart.title": "Every store, and how far chance lets it stray",
    "apart.reading": (
        "Each point is a store: the share of its customers of the last year who are repeat customers, "
        "against how many it had. Of stores like the rest of the chain, {inner} and {outer} lie "
        "between the lines; a store between them is no better and no worse than its neighbours as far "
        "as anybody can tell."
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
    "months.alt": (
        "Revenue {begin} in {first}, {end} in {last}; most {most} in {top}, least {least} in {low}."
    ),
}

_CAMPAIGNS = {
    "campaigns.title": "{chain}: campaigns as of {day}",
    "campaigns.heading": "{chain}: campaigns",
    "campaigns.stores": "Every store",
    "campaigns.meta": "The {n} newest as of {day} · made {made}",
    "campaigns.failed": "Campaign {name}: no new page. {reason}",
    "campaigns.kept": "Campaign {name}: no new page. {reason} Its page as of {day} is kept.",
    "campaigns.caption": "Every campaign, what it changed, and how far that can be believed",
    "campaigns.short": "Did the campaigns pay?",
    "campaigns.none": "No campaign has ended yet.",
    "campaigns.all": "All campaigns, with what each changed",
    "campaigns.campaign": "Campaign",
    "campaigns.from": "From",
    "campaigns.to": "To",
    "campaigns.changed": "Changed",
    "campaigns.grade": "Grade",
    "campaigns.verdict": "Verdict",
    "campaigns.no_grade": "no grade",
    "campaigns.not_told": "no effect given",
    "campaigns.no_page": "no page: {reason}",
    "campaigns.grades": (
        "Grade A: a lot decided who was offered it. B: whole stores had it. C: a rule chose customers. "
        "D: customers chose for themselves, or a check failed. None: no effect is given, for the reason "
        "beside it. “Changed” is the lift of the figure that was to decide, with its 95% interval."
    ),
    "campaigns.grades.short": (
        "Grade A: a lot decided who was offered it. B: whole stores had it. C: a rule chose customers. "
        "D: customers chose for themselves, or a check failed; do not build on it."
    ),
}

WORDS: Mapping[str, str] = _FRAME | _FAILURES | _INDEX | _SHORT | _APART | _CAMPAIGNS
