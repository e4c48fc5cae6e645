"""What the chain's page reads of a page's headline file, whatever a notebook wrote there."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from retention_models.languages import marked, number, phrase
from retention_models.pages.html.kinds import STORE, PageKind

_LARGEST = 1e18
_MOST_BYTES = 50_000_000

Finite = Annotated[float, Field(allow_inf_nan=False, ge=-_LARGEST, le=_LARGEST)]
Day = Annotated[
    str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(lambda v: str(_day(v)))
]
Whole = Annotated[int, Field(ge=0, le=10**15)]


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


class HeadlineError(ValueError):
    """A headline file that cannot be read: which key, and what was expected."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _Number(_Part):
    """A value with its interval, or the reason for which there is none."""

    value: Finite | None
    low: Finite | None = None
    high: Finite | None = None
    reason: str | None = None

    @model_validator(mode="after")
    def _has_its_reason_or_ends(self) -> Self:
        if self.value is None and self.reason is None:
            raise ValueError("a value of null needs its reason")
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval needs low and high")
        return self


class _AtLeastNone(_Number):
    """What lies beyond its measure's range is not shown, with the reason; the page itself may stand."""

    most: ClassVar[float] = np.inf
    sentence: ClassVar[str] = marked("what metrics.json says of it, {found}, is below 0")

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.value is not None and not 0.0 <= self.value <= self.most:
            self.reason = phrase(self.sentence, found=number(self.value))
            self.value = self.low = self.high = None
        return self


class _Share(_AtLeastNone):
    most: ClassVar[float] = 1.0
    sentence: ClassVar[str] = marked(
        "what metrics.json says of it, {found}, is no share from 0 to 1"
    )


class _Measures(_Part):
    customers: _AtLeastNone
    repeat_customer_rate: _Share
    spend_per_order: _Number


class _Forecast(_Part):
    still_customers: _AtLeastNone
    purchases: _AtLeastNone
    value: _Number


class _Verdict(_Part):
    value: str | None
    reason: str | None = None


class _Month(_Part):
    month: Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
    revenue: Finite | None = None
    customers: Whole | None
    orders: Whole | None = None


class _Months(_Part):
    value: list[_Month] | None


class _Change(_Part):
    value: Finite | None
    value_before: Finite | None
    change: Finite | None
    low: Finite | None
    high: Finite | None
    size: Finite | None = None
    note: str = ""


class _Compared(_Part):
    """The last so many days against those before, and those of a year before: by measure."""

    days: Annotated[int, Field(gt=0, le=10_000)]
    measures: dict[str, _Change]
    year: dict[str, _Change] = {}


class _Changes(_Part):
    value: _Compared | None
    reason: str | None = None


class _Metrics(_Part):
    """metrics.json of a store."""

    measures: _Measures
    forecast: _Forecast
    forecast_verdict: _Verdict
    value_verdict: _Verdict | None = None
    months: _Months | None = None
    changes: _Changes | None = None
    first_day: Day | None = None
    silent_since: Day | None = None
    next_quarter: _Number | None = None
    currency: str | None = None
    horizon: str | None = None
    interval: Finite | None = None


class _Lift(_Part):
    arm: str | None = ""
    outcome: str | None = None
    window: str | None = None
    estimand: str | None = None
    lift_percent: Finite | None = None
    lift_low: Finite | None = None
    lift_high: Finite | None = None


class _Money(_Part):
    arm: str | None = ""
    profit: Finite | None = None
    profit_low: Finite | None = None
    profit_high: Finite | None = None


class _Effect(_Part):
    """effect.json of a campaign."""

    start: Day
    end: Day
    grade: str | None
    verdict: str | None
    refusal: str | None
    primary: str | None = None
    effects: list[_Lift] | None = None
    overview: list[_Money] = []

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.verdict or self.refusal):
            raise ValueError("expected a verdict or a refusal")
        return self


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def read_headline(path: Path, kind: PageKind) -> dict[str, Any]:
    """What the index shows of a page, checked: metrics.json of a store, effect.json of a campaign."""
    if not path.is_file():  # nor a pipe, which would be waited for
        raise HeadlineError("there is no such file")
    if path.stat().st_size > _MOST_BYTES:
        raise HeadlineError(f"it has more than {_MOST_BYTES:,} bytes")
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
        shape: type[_Part] = _Metrics if kind == STORE else _Effect
        found = shape.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise HeadlineError(f"{where}: {first['msg']}" if where else first["msg"]) from None
    except (OSError, ValueError, OverflowError, RecursionError) as error:
        raise HeadlineError(f"{type(error).__name__}: {error}") from None
    return {**content, **found.model_dump()}
