"""Of amounts and days in any notation, the right reading is among those that are offered."""

from __future__ import annotations

import datetime as dt

from hypothesis import given, settings, strategies as st

from retention_models.data.contract import Amounts
from retention_models.data.refusals import day_formats
from retention_models.project.own_file.look import _notations
from retention_models.project.own_file.names import EXPORTS, NAMES, plain, score

CENTS = st.lists(st.integers(-5_000_000, 5_000_000), min_size=1, max_size=12)
MARKS = st.sampled_from([(".", None), (".", ","), (".", "'"), (".", " "), (",", None), (",", ".")])


def written(cents: int, notation: Amounts, places: int) -> str:
    """An amount as a program writes it."""
    units, rest = divmod(abs(cents), 100)
    whole = f"{units:,}".replace(",", notation.thousands or "")
    text = f"{whole}{notation.decimal}{rest:02d}" if places else whole
    text = f"{notation.currency_sign or ''}{text}"
    if cents >= 0:
        return text
    return {"front": f"-{text}", "behind": f"{text}-", "brackets": f"({text})"}[notation.minus]


def read(text: str, notation: Amounts) -> float:
    """What a notation makes of a text."""
    is_negative = "-" in text or text.startswith("(")
    digits = text.strip("-()").replace(notation.currency_sign or "\0", "")
    thousands = notation.thousands or ("." if notation.decimal == "," else "")
    digits = digits.replace(thousands, "") if thousands else digits
    number = float(digits.replace(",", "."))
    return -number if is_negative else number


@settings(max_examples=400, deadline=None)
@given(
    CENTS,
    MARKS,
    st.sampled_from([None, "$", "€", "TL"]),
    st.sampled_from(["front", "behind", "brackets"]),
    st.sampled_from([0, 2]),
)
def test_the_right_reading_of_amounts_is_offered(cents, marks, sign, minus, places):
    """Two readings of a text that differ are both offered, so that they are asked for."""
    notation = Amounts(*marks, sign, minus)
    texts = list(dict.fromkeys(written(amount, notation, places) for amount in cents))
    right = [read(text, notation) for text in texts]
    offered = _notations(texts)
    assert any(right == [read(text, way) for text in texts] for way in offered)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.dates(dt.date(1991, 1, 1), dt.date(2025, 12, 31)), min_size=1, max_size=30),
    st.sampled_from(
        ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%y", "%m/%d/%y", "%d-%b-%Y", "%Y%m%d"]
    ),
    st.sampled_from(["", " %H:%M", " %H:%M:%S", " %I:%M %p"]),
)
def test_the_right_format_of_days_is_offered(days, form, clock):
    """And the other order of day and month exactly where every day fits it too."""
    clock = "" if form == "%Y%m%d" else clock
    texts = [f"{dt.datetime.combine(day, dt.time(14, 5)):{form}{clock}}" for day in days]
    offered = day_formats(texts)
    assert f"{form}{clock}" in offered
    other = form.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")
    if other != form and "%m" in form and form != "%Y%m%d":
        twice = all(day.day <= 12 for day in days)
        # Of many days a few may be damaged; the check reads them all.
        few = sum(day.day > 12 for day in days) <= len(days) // 50
        assert (f"{other}{clock}" in offered) == (twice or few)


def test_names_say_one_role_each():
    """A name that is sure for two roles would be taken for either."""
    roles = [role for role in NAMES if role not in ("currency", "status")]
    for role in roles:
        for phrase in NAMES[role][0].split(","):
            sure = [other for other in roles if score(other, phrase.strip()) == 6]
            assert [role] == sure, phrase
    assert all(plain(name) for export in EXPORTS for name in export.needs)
