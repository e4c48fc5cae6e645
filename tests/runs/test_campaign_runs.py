"""A run makes the pages of campaigns too: in a folder of their own, with the numbers of the notebook."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from retention_models.data.reading_transactions import read_project_transactions
from retention_models.project.campaign import ProjectCampaign, write_campaign_slice
from retention_models.project.campaign_outputs import read_overview
from retention_models.project.handover import VARIABLE
from retention_models.runs.run import run_project
from shops import simulated_log

PROJECT = """
name = "Shops"
[transactions]
source = "log.parquet"
[transactions.columns]
customer_id = "customer"
date = "day"
spend = "amount"
store_id = "shop"
[money]
currency = "EUR"
margin = 0.3
annual_discount_rate = 0.1
[campaign_data]
assignments = "assignments.parquet"
"""
CAMPAIGN = """
[[campaigns]]
id = "{id}"
name = "{name}"
kind = "coupon"
design = "randomised"
start = {start}
end = {end}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """One store whose customers were drawn for a coupon that does nothing, and a campaign not run."""
    folder = tmp_path_factory.mktemp("shops")
    log = simulated_log(1500, seed=3)
    log["shop"] = "1"
    log.to_parquet(folder / "log.parquet")
    last = pd.to_datetime(log["day"]).max()
    start, end = (last - pd.Timedelta(days=days) for days in (60, 20))
    ids = np.sort(log["customer"].unique())
    arms = np.random.default_rng(4).permutation(["control", "coupon"] * (len(ids) // 2 + 1))
    drawn = pd.DataFrame({"customer_id": ids, "arm": arms[: len(ids)]})
    drawn = drawn.assign(campaign_id="spring", assigned_at=start.date())
    drawn.to_parquet(folder / "assignments.parquet")
    days = {"start": start.date(), "end": end.date()}
    text = PROJECT + CAMPAIGN.format(id="spring", name="Spring <coupon>", **days)
    text += CAMPAIGN.format(id="forgotten", name="Forgotten", **days)
    (folder / "retention.toml").write_text(text, encoding="utf-8")
    return folder / "retention.toml"


@pytest.mark.slow
def test_a_campaigns_slice_gives_the_numbers_of_the_whole_log(project, tmp_path, monkeypatch):
    """A day's lines of a customer and store are one row of it; offers are read once for all."""
    expected = rm.open_campaign(project, "spring").effect
    log = read_project_transactions(rm.read_settings(project))
    before = rm.open_campaign(project, "spring").assignments
    write_campaign_slice(tmp_path, project, rm.read_settings(project), log, log.last_day())
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setattr("retention_models.project.campaign.project_offers", None)
    opened = rm.open_campaign(project, "spring")
    assert (before.source, before.rows_read) == (
        opened.assignments.source,
        opened.assignments.rows_read,
    )
    pd.testing.assert_frame_equal(before.quality, opened.assignments.quality)
    assert "campaign_rows" in str(opened.log.origin.stamps)
    pd.testing.assert_frame_equal(expected.table, opened.effect.table)
    assert expected.summary() == opened.effect.summary()


@pytest.mark.slow
def test_what_a_campaigns_page_found_is_not_estimated_again(project, tmp_path, monkeypatch):
    """The table of campaigns is made of the files beside the pages, with and without a refusal."""
    settings = rm.read_settings(project)
    log = read_project_transactions(settings)
    expected = rm.campaign_overview(settings, log)
    effect = rm.open_campaign(project, "spring").effect
    refused = replace(effect, grade=None, verdict="", refusal="It cannot be told.")
    told = {}
    for campaign, one in (("spring", effect), ("refused", refused)):
        rm.write_campaign_outputs(one, tmp_path / campaign)
        told[campaign] = read_overview(tmp_path / campaign)
    estimate = ProjectCampaign.effect.func

    def only_forgotten(opened: ProjectCampaign) -> rm.CampaignEffect:
        assert "forgotten" == opened.campaign.id
        return estimate(opened)

    monkeypatch.setattr(ProjectCampaign, "effect", property(only_forgotten))
    found = rm.campaign_overview(settings, log, estimated=told)
    pd.testing.assert_frame_equal(expected, found)
    assert 0.0 < found["pvalue"].min() < 1.0
    assert [None, "It cannot be told."] == [told["refused"][0].get(n) for n in ("grade", "refusal")]


@pytest.mark.slow
def test_campaigns_get_pages_and_stores_the_table_of_them(project, tmp_path, caplog):
    """One whose assignments are missing fails by itself; stores have their pages all the same."""
    with caplog.at_level("INFO"):
        result = run_project(project, output=tmp_path, jobs=2)
    again = [line for line in caplog.messages if "estimated" in line]
    assert ["campaign 1 of 1 (forgotten) estimated"] == again
    status = {(o.kind, o.store_id): o.status for o in result.outcomes}
    assert {
        ("store", "1"): "published",
        ("campaign", "spring"): "published",
        ("campaign", "forgotten"): "failed",
    } == status
    folder = next((tmp_path / "campaigns").glob("????-??-??"))
    told = json.loads((folder / "spring" / "effect.json").read_text(encoding="utf-8"))
    effect = rm.open_campaign(project, "spring").effect
    assert (effect.grade, effect.summary()) == (told["grade"], told["summary"])
    assert effect.table["pvalue"].iloc[0] == told["effects"][0]["pvalue"]
    page = (folder / "spring" / "campaign_report.html").read_text(encoding="utf-8")
    assert "Spring &lt;coupon&gt;" in page
    assert "Did it work?" in page
    failed = (folder / "forgotten" / "campaign_report.html").read_text(encoding="utf-8")
    assert "The report of this campaign could not be made" in failed
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert 'href="spring/campaign_report.html"' in index
    stores = (tmp_path / folder.name / "index.html").read_text(encoding="utf-8")
    assert f'href="../campaigns/{folder.name}/index.html"' in stores
    assert f'href="../../{folder.name}/index.html"' in index
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert "campaign" == manifest["kind"]


@pytest.mark.nightly
def test_campaigns_alone_are_left_out_where_stores_are_named(project, tmp_path):
    """One store is one command; the campaigns are the chain's."""
    result = run_project(project, stores=["1"], output=tmp_path)
    assert {"store"} == {outcome.kind for outcome in result.outcomes}
    assert not (tmp_path / "campaigns").exists()
