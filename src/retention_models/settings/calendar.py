"""The table [calendar]: days on which a shop sells more or less for everybody, and when it is closed."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, field_validator

from retention_models.settings.types import Section, Text

Feast = Literal[
    "Christmas",
    "Easter",
    "Orthodox Easter",
    "Ramadan",
    "Eid al-Fitr",
    "Eid al-Adha",
    "Nowruz",
    "Chinese New Year",
]

# Beyond this a stretch is a slip of the pen in a year.
_LONGEST = 366
_DAYS = 'list of days (2017-12-25) and of stretches in quotes ("2017-12-27/2018-01-02")'


def _each_day(value: object) -> object:
    """Days and stretches of them, as the days that they hold."""
    if not isinstance(value, list | tuple):
        raise ValueError("several days are named in a list, in square brackets")
    return tuple(sorted({day for one in value for day in _days_of(one)}))


def _days_of(one: object) -> list[dt.date]:
    if isinstance(one, dt.datetime):
        raise ValueError(f"{one} has a time of day")
    if isinstance(one, dt.date):
        return [one]
    ends = str(one).split("/")
    try:
        first, last = (dt.date.fromisoformat(end.strip()) for end in (ends[0], ends[-1]))
    except ValueError:
        raise ValueError(f"{one!r} is neither a day nor a stretch of days") from None
    length = (last - first).days + 1
    if len(ends) > 2 or not 1 <= length <= _LONGEST:
        raise ValueError(f"{one!r} is no stretch of 1 to {_LONGEST} days")
    return [first + dt.timedelta(days=k) for k in range(length)]


Days = Annotated[tuple[dt.date, ...], BeforeValidator(_each_day)]


class CalendarSettings(Section):
    """The shop's days; whether a season follows from them is for its data to say."""

    country: str | None = Field(
        None,
        pattern=r"^[A-Z]{2}$",
        examples=["US"],
        description="two capital letters (ISO 3166) of the country whose public holidays are kept",
    )
    feasts: tuple[Feast, ...] = Field(
        (),
        strict=False,
        examples=[["Easter"]],
        description=f"list of moving feasts: {', '.join(get_args(Feast))}",
    )
    closed: Days = Field(
        (),
        examples=[["2017-12-25", "2018-12-24/2018-12-26"]],
        description=f"{_DAYS} on which stores are closed, past and planned; one that sold was open",
    )
    promotions: dict[Text, Days] = Field(
        default_factory=dict,
        examples=['{ sale = ["2017-07-01/2017-07-14"] }'],
        description=f"table from a promotion's name to a {_DAYS}, past and planned",
    )

    @field_validator("country")
    @classmethod
    def _is_known(cls, country: str | None) -> str | None:
        if country is None:
            return None
        try:
            import holidays
        except ImportError:
            raise ValueError(
                "public holidays come from the package holidays, which is not installed: pip install "
                '"retention-models[calendar]"'
            ) from None
        if country not in holidays.list_supported_countries(include_aliases=True):
            raise ValueError("no public holidays are known of it")
        return country

    @field_validator("feasts")
    @classmethod
    def _can_be_found(cls, feasts: tuple[Feast, ...]) -> tuple[Feast, ...]:
        try:
            import holidays  # noqa: F401
        except ImportError:
            if feasts:
                raise ValueError(
                    "their days come from the package holidays, which is not installed: pip install "
                    '"retention-models[calendar]"'
                ) from None
        return feasts
