"""Ids that a tool turned into 17850.0: whether they can be whole numbers again without losing one."""

from __future__ import annotations

import ibis
from ibis.expr.types import Column

from retention_models.data.contract import MENDABLE, is_ruined
from retention_models.data.engines import to_frame

# Of so many digits decimal numbers of 64 and of 32 bits tell whole numbers apart as a text would.
_DIGITS, _DIGITS_OF_32_BITS = 15, 7


def unsafe_to_mend(ids: Column) -> str | None:
    """Why ids cannot be mended, in words; None where 17850.0 can only have been 17850."""
    rows = ids.name("id").as_table()
    given = rows["id"]
    if given.type().is_floating():
        digits = _DIGITS if given.type().is_float64() else _DIGITS_OF_32_BITS
        exact = given.notnull() & ~given.isnan() & (given.abs() < 10.0**digits)
        # A floor is a whole number of 64 bits, which NaN and infinity are not.
        held = ibis.ifelse(exact, given, ibis.literal(0.0))
        bad = given.notnull() & ~given.isnan() & (~exact | (held.floor() != held))
        found = to_frame(rows.aggregate(n=bad.sum(), one=given.max(where=bad)))
        n, one = int(found["n"].fillna(0).item()), found["one"].item()
        return (
            f"{n:,} of them are no whole numbers of at most {digits} digits, such as {one:.10g}"
            if n
            else None
        )
    if not given.type().is_string():
        return None
    text = given.strip()
    lost = is_ruined(text) & ~text.re_search(MENDABLE)
    spoilt = text.re_search(MENDABLE)
    zeros = text.re_search(r"^0\d+$")
    found = to_frame(
        rows.aggregate(
            lost=lost.sum().fill_null(0),
            one_lost=text.max(where=lost),
            spoilt=spoilt.sum().fill_null(0),
            zeros=zeros.sum().fill_null(0),
            one_zero=text.max(where=zeros),
        )
    )
    if int(found["lost"].item()):
        shown = found["one_lost"].item()
        return f"{int(found['lost'].item()):,} of them have lost digits, such as {shown}"
    if int(found["spoilt"].item()) and int(found["zeros"].item()):
        shown = found["one_zero"].item()
        return (
            f"{int(found['zeros'].item()):,} others begin with 0, such as {shown}, so that the "
            "mended ones may have lost such a 0"
        )
    return None


def mending_advice(ids: Column) -> str:
    """What to do about ids that became decimal numbers."""
    why_not = unsafe_to_mend(ids)
    if why_not is not None:
        return f"They cannot be mended here, as {why_not}: export ids as text."
    return (
        "They are whole numbers of at most 15 digits, and no other id begins with 0: mend_ids = true "
        "reads 17850.0 as 17850. Or export ids as text."
    )
