"""The tables [[campaigns]] and [campaign_data]: what was tried, on whom, by which design, its cost."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from retention_models.settings.types import CheckedSource, Id, Place, Section, Text, table_of

Design = Literal[
    "randomised",
    "stores",
    "targeted",
    "self_selected",
    # Declared and refused, each with its reason: see campaigns/effects/refusals.
    "redeemers",
    "before_after",
    "forecast",
]
Outcome = Literal["purchases", "bought", "spend", "profit"]


class Costs(Section):
    """What a campaign cost, in the shop's currency."""

    contact: float = Field(
        0.0, ge=0, examples=[0.15], description="money for each customer offered it, from 0"
    )
    redemption: float = Field(
        0.0, ge=0, examples=[2.00], description="discount or cashback for each redemption, from 0"
    )
    points_rate: float = Field(
        0.0,
        ge=0,
        lt=1,
        examples=[0.01],
        description="points liability as a share of spend of those offered it, from 0 to below 1",
    )
    fixed: float = Field(
        0.0, ge=0, examples=[500.0], description="money for the campaign as a whole, from 0"
    )


class Campaign(Section):
    """One campaign: what was offered, when, to whom by which design, and what it cost.

    Examples
    --------
    >>> import datetime as dt
    >>> coupon = Campaign(
    ...     id="spring", name="Spring coupon", kind="coupon", design="randomised",
    ...     start=dt.date(2024, 3, 1), end=dt.date(2024, 4, 25))
    >>> coupon.days
    56
    """

    id: Id = Field(examples=["spring-coupon"], description="text in quotes")
    name: Text = Field(examples=["Spring coupon"], description="text in quotes")
    kind: Text = Field(examples=["coupon"], description="text in quotes")
    design: Design = Field(
        examples=["randomised"], description='"randomised", "stores", "targeted" or "self_selected"'
    )
    start: dt.date = Field(examples=["2017-03-03"], description="first day, without quotes")
    end: dt.date = Field(examples=["2017-04-09"], description="last day, without quotes")
    follow_up: int = Field(
        0, ge=0, examples=[28], description="days after the end that are measured too, from 0"
    )
    control: Text = Field(
        "control", examples=["control"], description="name of the arm that got nothing"
    )
    shares: dict[str, float] = Field(
        default_factory=dict,
        examples=["{ control = 0.5, coupon = 0.5 }"],
        description="planned share of each arm, for a randomised campaign",
    )
    primary: Outcome = Field(
        "purchases",
        examples=["purchases"],
        description='outcome that decides: "purchases", "bought", "spend" or "profit"',
    )
    margin: float | None = Field(
        None,
        gt=0,
        le=1,
        examples=[0.30],
        description="share of spend above 0 and up to 1 that is profit; that of [money] without it",
    )
    costs: Costs = table_of(
        Costs, "contact = 0.15", "table with contact, redemption, points_rate and fixed"
    )
    cap: float | None = Field(
        None,
        ge=0.9,
        lt=1,
        examples=[0.99],
        description=(
            "share from 0.9 to below 1 of those who spent: the effect is told with the others' spend "
            "capped, too"
        ),
    )
    looks: tuple[float, ...] = Field(
        (),
        strict=False,
        examples=[[0.25, 0.5, 0.75, 1.0]],
        description="declared looks, as rising shares of the campaign's days, the last 1",
    )
    seed: int = Field(
        0, ge=0, examples=[20170303], description="whole number that the arms are drawn with"
    )

    @field_validator("end")
    @classmethod
    def _in_order(cls, end: dt.date, info: ValidationInfo) -> dt.date:
        start = info.data.get("start")
        if start is not None and end < start:
            raise ValueError(f"it lies before start = {start}")
        return end

    @field_validator("shares")
    @classmethod
    def _a_share_for_control(
        cls, shares: dict[str, float], info: ValidationInfo
    ) -> dict[str, float]:
        control = info.data.get("control")
        if not shares or control is None:
            return shares
        if control not in shares or len(shares) < 2:
            raise ValueError(
                f"it names {', '.join(sorted(shares))}; name the arm that got nothing, "
                f"control = {control!r}, and another"
            )
        bad = sorted(arm for arm, share in shares.items() if not 0 < share < float("inf"))
        if bad:
            raise ValueError(f"the share of {bad[0]!r} is not a number above 0")
        return shares

    @field_validator("looks")
    @classmethod
    def _rising_to_the_end(cls, looks: tuple[float, ...]) -> tuple[float, ...]:
        if looks and not (
            looks[0] > 0 and looks[-1] == 1 and all(early < late for early, late in pairwise(looks))
        ):
            raise ValueError("they do not rise from above 0 to 1")
        return looks

    @property
    def days(self) -> int:
        """Days from start to end, both counted."""
        return (self.end - self.start).days + 1


class CampaignData(CheckedSource):
    """Tables that say who was offered a campaign and who took it up."""

    assignments: Place = Field(
        examples=["data/raw/campaign_assignments.parquet"], description="path of a file"
    )
    redemptions: Place | None = Field(
        None, examples=["data/raw/coupon_redemptions.parquet"], description="path of a file"
    )
