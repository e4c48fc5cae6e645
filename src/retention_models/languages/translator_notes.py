"""What a translator is told of a sentence: what its places hold, and where a short text stands."""

from __future__ import annotations

import re
import string

_PLACES = {
    "n": "a number of things",
    "low": "the lower end of a range, with its unit",
    "high": "the upper end of a range, with its unit",
    "between": "a range, such as “1 to 2”",
    "ends": "a range, such as “1 to 2”",
    "day": "a day, such as 31 December 2017",
    "first_day": "a day",
    "last_day": "a day",
    "start": "a day",
    "end": "a day, or the end of a range",
    "arm": "the name of a group of the campaign, as the shop has it",
    "control": "the name of the group that was not offered the campaign",
    "customers": "a number of customers, with or without the noun",
    "stores": "a number of stores, or their names",
    "reason": "a clause or sentence that says why",
    "change": "a change in percent, with its sign",
    "fewest": "the least number of things",
    "smallest": "the least number of customers",
    "days": "a number of days",
    "weeks": "a number of weeks, or such a length of time",
    "window": "a length of time, or the part of the campaign that is meant",
    "horizon": "a length of time, such as “13 weeks”",
    "share": "a share in percent",
    "rate": "a share in percent",
    "level": "the level of an interval, in percent",
    "size": "a size in percent, or a number of customers",
    "outcome": "what the campaign was to change, such as “purchases”",
    "profit": "an amount of money",
    "spend": "an amount of money",
    "revenue": "an amount of money",
    "margin": "an amount of money, or a share in percent",
    "cost": "an amount of money",
    "money": "an amount of money",
    "currency": "the code of a currency, such as EUR",
    "amount": "an amount without its currency",
    "lift": "a relative change in percent",
    "store": "the name of a store, as the shop has it",
    "name": "a name that the shop gave, not translated",
    "names": "names that the shop gave, not translated",
    "file": "the name of a file",
    "version": "a number such as 0.1.0",
    "title": "a heading of the page, in the language",
    "titles": "headings of the page, in the language",
    "grade": "a letter from A to D",
    "month": "the short name of a month",
    "year": "a year, or a change on a year before",
    "rule": "the name of a simple forecast, in the language",
    "segment": "the name of a group of customers",
    "rows": "a number of rows of a file",
}
_SHORT = {
    "see": "in a table of checks, of one that did not pass: look at what is beside it",
    "fine": "in a table of checks, of one that passed",
    "p": "head of a column: the p-value",
    "bound": "name of a check: how far an influence nobody measured could go",
    "explained away": "name of a check: what it takes to make the effect disappear",
    "balance": "name of a check: whether groups were alike before the campaign",
    "overlap": "name of a check: whether each customer has a like in the other group",
    "pre-trend": "name of a check: whether stores moved alike before the campaign",
    "sample ratio": "name of a check: whether groups have the sizes that the lot gave them",
    "look": "name of a check: an evaluation of a campaign that is not over",
    "design": "name of a check: how it was decided who was offered the campaign",
    "arms": "name of a check: the groups of the campaign",
    "outcome": "name of a check: what the campaign was to change",
    "segments": "name of a check: groups of customers",
    "grade": "name of a check: the letter from A to D",
    "weeks before": "name of a check: weeks before the campaign",
    "control present": "name of a check: whether anybody was not offered the campaign",
    "wished": "beside a line of a figure: the size of effect that the shop wishes to find",
    "as planned": "beside a line of a figure: the length that the plan has",
    "as compared": "beside a mark of a figure: after weighting, as the groups are compared",
    "before": "beside a part of a figure: the time before the campaign, or before weighting",
    "fitted": "beside a part of a figure: weeks that the model was fitted to",
    "not seen": "beside a part of a figure: weeks that the model had not seen",
    "what came": "beside a line of a figure: the purchases that were made",
    "expected": "beside a line of a figure: what the model expects",
    "forecast": "beside a line of a figure",
    "without history": "customers who had not bought before, in a table",
    "others": "customers of no other group, as a group's name",
    "unknown": "a group of customers of whom the attribute is not known",
    "any size": "label of an axis: a change of whatever size",
    "week from": "label of an axis, before days: the week that begins on",
    "not said": "in place of a number that cannot be given",
    "too few": "in place of a number: too few customers",
    "none": "in place of a grade that is not given",
    "no change": "the size of an effect",
    "open": "whether a campaign paid: not decided",
    "paid": "whether a campaign paid: it did",
    "bought": "an outcome: whether the customer bought",
    "purchases": "an outcome: the number of a customer's purchases",
    "spend": "an outcome: what a customer spent",
    "profit": "an outcome: the margin that a customer brought, less costs",
    "both together": "the days of the campaign and those after it, together",
    "after it": "the days after the campaign",
    "always zero": "name of a simple forecast: nobody buys",
    "store mean": "name of a simple forecast: every customer buys as the mean of the store",
    "lowest first": "label of a button that sorts a table",
    "highest first": "label of a button that sorts a table",
    "see a": "in a table of parameters: explained beside the one named a",
    "see a0": "in a table of parameters: explained beside the one named a0",
    "”, “": "between names in a list, within quotation marks",
    ", ": "between names in a list",
    "; ": "between clauses in a list",
    " and ": "between two names",
    "{words}": "a whole sentence that is translated elsewhere",
    "{remark}.": "ends a clause that is translated elsewhere",
    "{outcome}": "a label that is translated elsewhere",
    "not {campaign}": "name of a group: those who were not offered that campaign",
}
_ENDS = re.compile(r"[.?!:]\W*$")


def notes(text: str) -> list[str]:
    """Comments beside a sentence in a translator's file."""
    found = [_SHORT[text]] if text in _SHORT else []
    if not found and not _ENDS.search(text):
        found = ["A label, or a part of a sentence: it ends without a full stop."]
    names = dict.fromkeys(
        name.partition(".")[0] for _, name, _, _ in string.Formatter().parse(text) if name
    )
    return [*found, *(f"{{{name}}}: {_PLACES[name]}" for name in names if name in _PLACES)]


def noted() -> frozenset[str]:
    """Texts of which something is said, all of which stand on a page."""
    return frozenset(_SHORT)
