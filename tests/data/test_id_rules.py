"""One rule for ids: what is done to those of the log is done to those of every source beside it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

import retention_models as rm
from retention_models.campaigns.data.assignments import (
    read_project_assignments,
    read_project_redemptions,
)
from retention_models.data.channels import read_project_channels
from retention_models.data.contacts import read_project_events, read_project_surveys
from retention_models.data.id_rules import IdRule
from retention_models.data.reading_transactions import read_project_transactions
from retention_models.errors import DataError, SettingsError
from tiers import few

# Ids of the log and of every other source; the same customers once the rule is kept.
LOG = ("A@x.com", "b@x.com", "b@x.com ", "GUEST")
OTHERS = (" a@X.com", "B@x.com", "guest")
KEYS = 'ignore_case = true\nanonymous = ["Guest"]'
SPOILT = ("17850", "99.0", "17850.0", "0.0")
SPOILT_OTHERS = ("17850.0", "99", "0")
CASES = {
    "case and nobody": (LOG, OTHERS, KEYS, {"a@x.com", "b@x.com"}),
    "decimals and nobody": (
        *(SPOILT, SPOILT_OTHERS, 'mend_ids = true\nanonymous = ["0.0"]', {"17850", "99"}),
    ),
    "blanks alone": (("a ", "b"), (" a", "b\t"), "", {"a", "b"}),
    "zeros in front": (("007", "7"), ("007", "7 "), "mend_ids = true", {"007", "7"}),
}
SOURCES = {
    "assignments": read_project_assignments,
    "redemptions": read_project_redemptions,
    "surveys": read_project_surveys,
    "events": read_project_events,
    "channels": read_project_channels,
}
PROJECT = """
name = "Shop"
[transactions]
source = "log.csv"
{keys}
columns = {{ customer_id = "customer_id", date = "date", spend = "spend" }}
[money]
currency = "EUR"
margin = 0.3
annual_discount_rate = 0.1
[surveys]
source = "others.csv"
columns = {{ customer_id = "customer_id", answered_at = "date", score = "score" }}
[events]
source = "others.csv"
columns = {{ customer_id = "customer_id", date = "date", kind = "kind" }}
[campaign_data]
assignments = "assignments.csv"
redemptions = "redemptions.csv"
[acquisition]
costs = {{ web = 3.0 }}
[acquisition.customers]
source = "others.csv"
columns = {{ customer_id = "customer_id", channel = "kind" }}
"""


def others(ids: tuple[str, ...]) -> pd.DataFrame:
    """A row for each customer, with what any source asks for."""
    given = {"customer_id": ids, "date": "2024-01-05", "score": "0", "kind": "web"}
    given |= {"campaign_id": "spring", "arm": "1.0", "assigned_at": "2024-03-01"}
    return pd.DataFrame(given | {"redeemed_at": "2024-03-02"})


def write_project(folder: Path, ids: tuple[str, ...], beside: tuple[str, ...], keys: str) -> Path:
    """A project with every source."""
    log = pd.DataFrame({"customer_id": ids, "date": "2024-01-05", "spend": 1.0})
    log.to_csv(folder / "log.csv", index=False)
    for name in ("others", "assignments", "redemptions"):
        others(beside).to_csv(folder / f"{name}.csv", index=False)
    project = folder / "retention.toml"
    project.write_text(PROJECT.format(keys=keys), encoding="utf-8")
    return project


@pytest.mark.parametrize("case", few(1, [*CASES]))
def test_every_source_of_a_project_names_customers_as_its_log_does(case, tmp_path):
    """Case, decimals and blanks by the log's keys alone; rows of nobody are left out and counted."""
    ids, beside, keys, expected = CASES[case]
    settings = rm.read_settings(write_project(tmp_path, ids, beside, keys))
    log = read_project_transactions(settings)
    assert expected == set(log.table.execute()["customer_id"])
    for name, read in SOURCES.items():
        found = read(settings)
        assert expected == set(found.table.execute()["customer_id"]), name
        assert len(beside) - len(expected) == found.quality["rows"].sum(), name
    redeemed = read_project_redemptions(settings)
    assert len(beside) - len(expected) == redeemed.anonymous
    # What an arm is called is no number that a tool could have spoilt.
    assert {"1.0"} == set(read_project_assignments(settings).table.execute()["arm"])


def test_a_campaigns_frames_are_read_by_the_logs_rule():
    """Without a word about ids: who was offered the campaign is found in the log."""
    days = ["2024-01-02", "2024-02-01", "2024-03-05", "2024-03-09", "2024-04-30"]
    lines = {"id": ["A@x.com", "b@x.com", "a@x.com", "A@X.com", "guest"], "day": days, "paid": 1.0}
    names = {"customer_id": "id", "date": "day", "spend": "paid"}
    log = rm.read_transactions(pd.DataFrame(lines), **names, ignore_case=True, anonymous=["GUEST"])
    spring = rm.Campaign(
        id="spring",
        name="Spring",
        kind="coupon",
        design="randomised",
        margin=0.5,
        start=dt.date(2024, 3, 1),
        end=dt.date(2024, 3, 31),
    )
    drawn = others(("A@X.COM", "B@x.com", "Guest")).assign(arm=["coupon", "control", "coupon"])
    found = rm.read_campaign(log, spring, drawn, drawn)
    assert ["a@x.com", "b@x.com"] == found.table.index.tolist()
    assert 2 == found.outcomes["campaign"].loc["a@x.com", "purchases"]
    assert 1 == found.table.loc["a@x.com", "redemptions"]


def test_one_customer_is_asked_for_as_ids_are_read():
    """Typed in another case, or with blanks."""
    lines = pd.DataFrame({"id": ["A@x.com"] * 2, "day": ["2024-01-02", "2024-03-01"], "paid": 1.0})
    names = {"customer_id": "id", "date": "day", "spend": "paid"}
    log = rm.read_transactions(lines, **names, ignore_case=True)
    published = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    model = rm.BetaGeoFitter.from_parameters(published, time_unit="W")
    paths = [rm.alive_path(log, model, text) for text in ("a@x.com", " A@X.com")]
    pd.testing.assert_frame_equal(*paths)


@pytest.mark.parametrize(
    ("rule", "given", "expected"),
    [
        (IdRule(), " A1.0 ", "A1.0"),
        (IdRule(mend=True), " 7.00", "7"),
        (IdRule(mend=True), "A7.0", "A7.0"),
        (IdRule(mend=True), "1234567890123456.0", "1234567890123456.0"),
        (IdRule(ignore_case=True), "A1 ", "a1"),
        (IdRule(True, True, ("X 1", "5.0")), "5.0", "5"),
    ],
)
def test_the_rule_of_one_id(rule, given, expected):
    """As the engine has it."""
    assert expected == rule.of(given)


def test_ids_that_could_be_lost_in_a_source_beside_the_log_are_refused(tmp_path):
    """The log mends; in the other source a zero in front may be gone."""
    beside = ("42.0", "0042")
    settings = rm.read_settings(write_project(tmp_path, ("42.0",), beside, "mend_ids = true"))
    for read in SOURCES.values():
        with pytest.raises(DataError, match=r"cannot be mended, as 1 others begin with 0.*0042"):
            read(settings)


def test_ids_of_nobody_are_a_list_everywhere():
    """A text would be taken letter by letter."""
    frame = others(("a",))
    for read in (
        lambda: rm.read_assignments(frame, anonymous="GUEST"),
        lambda: rm.read_redemptions(frame, anonymous="GUEST"),
        lambda: rm.read_events(
            frame, customer_id="customer_id", date="date", kind="kind", anonymous="GUEST"
        ),
    ):
        with pytest.raises(SettingsError, match="anonymous: expected a list of texts; got 'GUEST'"):
            read()
