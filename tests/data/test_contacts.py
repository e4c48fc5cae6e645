"""Survey answers and events: read as strictly as transactions, and measured by hand."""

from __future__ import annotations

import pandas as pd
import pytest
from click.testing import CliRunner

import retention_models as rm
from measure_rows import found
from project_files import GOOD, mistakes, written
from retention_models.cli import retention
from retention_models.data.contacts import read_project_events, read_project_surveys
from retention_models.errors import DataError, SettingsError
from retention_models.settings.reading import read_settings

pytestmark = pytest.mark.slow

NAMES = {"customer_id": "who", "answered_at": "day"}


def surveys_of(folder, rows, columns=("who", "day", "score"), **settings) -> rm.Surveys:
    """Read made-up answers."""
    pd.DataFrame(rows, columns=list(columns)).to_csv(folder / "surveys.csv", index=False)
    roles = {name: name for name in ("score", "thumb", "store_id", "kind") if name in columns}
    return rm.read_surveys(folder / "surveys.csv", **NAMES, **roles, **settings)


def events_of(folder, rows, columns=("who", "day", "kind"), **settings) -> rm.Events:
    """Read made-up events."""
    pd.DataFrame(rows, columns=list(columns)).to_csv(folder / "events.csv", index=False)
    roles = {"store_id": "store_id"} if "store_id" in columns else {}
    return rm.read_events(
        folder / "events.csv", customer_id="who", date="day", kind="kind", **roles, **settings
    )


@pytest.fixture
def log(tmp_path):
    """Customer a bought at N and S, b at N, c at S later."""
    rows = [
        ("a", "2024-01-05", 1.0, "N"),
        ("a", "2024-01-09", 1.0, "S"),
        ("b", "2024-01-20", 1.0, "N"),
        ("c", "2024-02-10", 1.0, "S"),
    ]
    table = pd.DataFrame(rows, columns=["customer", "day", "amount", "store_id"])
    table.to_csv(tmp_path / "log.csv", index=False)
    names = {"customer_id": "customer", "date": "day", "spend": "amount"}
    return rm.read_transactions(tmp_path / "log.csv", **names, store_id="store_id")


def test_a_measure_goes_with_some_kinds_of_events_and_is_a_number(tmp_path):
    """Empty for others; a word is a fault of its row; without the column's name there is none."""
    rows = [("a", "2024-01-05", "late", 2.5), ("a", "2024-01-06", "click", None)]
    rows += [("b", "2024-01-07", "late", "3"), ("b", "2024-01-08", "late", "much")]
    columns = ("who", "day", "kind", "days")
    events = events_of(tmp_path, rows, columns, measure="days", max_unusable_share=0.3)
    table = events.table.order_by("date").execute()
    assert [2.5, None, 3.0] == [None if one != one else one for one in table["measure"]]
    assert ["measure is not a number"] == events.quality["reason"].tolist()
    assert "measure" not in events_of(tmp_path, rows, columns).table.columns
    with pytest.raises(DataError, match="measure is not a number"):
        events_of(tmp_path, rows, columns, measure="days")


JANUARY = {"start": "2024-01-01", "end": "2024-01-31"}
NPS = ["net_promoter_score"]


def test_the_promoter_score_is_promoters_less_detractors(log, tmp_path):
    """9 and 10 promote, 7 and 8 are passive, 0 to 6 detract: (2 − 1) ÷ 5 is 20 points."""
    scores = [("a", 9), ("b", 10), ("x", 7), ("y", 8), ("z", 0)]
    surveys = surveys_of(tmp_path, [(who, "2024-01-07", score) for who, score in scores])
    table = rm.measure_table(log, surveys=surveys, measures=NPS, **JANUARY)
    assert {"net_promoter_score": (pytest.approx(20.0), 1, 5)} == found(table)
    low, high = table[["low", "high"]].iloc[0]
    assert -100 <= low < 20 < high <= 100


def test_a_customers_last_answer_counts(log, tmp_path):
    """Of two on the last day the lower; an answer after the window is none."""
    rows = [("a", "2024-01-07", 0), ("a", "2024-01-08", 10), ("b", "2024-01-08", 9)]
    rows += [("b", "2024-01-08", 8), ("b", "2024-02-01", 0)]
    table = rm.measure_table(log, surveys=surveys_of(tmp_path, rows), measures=NPS, **JANUARY)
    assert {"net_promoter_score": (50.0, 1, 2)} == found(table)


def test_a_scale_without_a_zero_is_asked_for(tmp_path):
    """Answers from 1 to 10 may be of either scale; one 0 proves the first."""
    with pytest.raises(DataError, match=r"none of the 2 scores in column 'score' is 0.*Declare"):
        surveys_of(tmp_path, [("a", "2024-01-07", 1), ("b", "2024-01-07", 10)])
    assert "0-10" == surveys_of(tmp_path, [("a", "2024-01-07", 0)]).scale


def test_a_declared_scale_from_1_to_10_is_said(log, tmp_path):
    """The note warns of comparisons, and a 0 is no answer on it."""
    rows = [("a", "2024-01-07", 1), ("b", "2024-01-07", 10)]
    surveys = surveys_of(tmp_path, rows, scale="1-10")
    table = rm.measure_table(log, surveys=surveys, measures=NPS, **JANUARY)
    assert (0.0, "Scale from 1 to 10") == (table["value"].iloc[0], table["note"].iloc[0][:18])
    with pytest.raises(DataError, match="score is not on the scale: 1"):
        surveys_of(tmp_path, [*rows, ("c", "2024-01-07", 0)], scale="1-10")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("a", "2024-01-07", "11"), "score is not on the scale"),
        (("a", "2024-01-07", "7.5"), "score is not on the scale"),
        (("a", "2024-01-07", "good"), "score is not on the scale"),
        (("a", "2024-01-07", ""), "no answer"),
        (("a", "07/01/2024", "7"), "date not understood"),
        (("a", "", "7"), "no date"),
        (("a", "2999-01-07", "7"), "date in the future"),
    ],
)
def test_answers_that_cannot_be_used_name_their_row(tmp_path, row, reason):
    """File, row, reason, what stood there, and the remedy."""
    with pytest.raises(DataError) as caught:
        surveys_of(tmp_path, [("b", "2024-01-07", "0"), row])
    message = str(caught.value)
    assert f"surveys.csv: 1 of 2 rows cannot be used ({reason}: 1)." in message
    assert f"row 2 after the header: {reason} (who = 'a'" in message
    assert "max_unusable_share" in message


def test_answers_without_a_customer_are_counted_and_left_out(tmp_path):
    """Anonymous answers are no mistake."""
    surveys = surveys_of(tmp_path, [("a", "2024-01-07", 0), ("", "2024-01-07", 10)])
    assert [("no customer id", 1)] == list(surveys.quality.itertuples(index=False, name=None))
    assert 1 == surveys.table.count().execute()


def test_satisfaction_by_week_is_the_share_of_thumbs_up(log, tmp_path):
    """Words, numbers and thumbs alike; every answer counts."""
    thumbs = ["up", "DOWN", "1", "0", "true", "👍", "👎"]
    rows = [("a", "2024-01-07", t) for t in thumbs[:2]] + [
        ("b", "2024-01-09", t) for t in thumbs[2:]
    ]
    surveys = surveys_of(tmp_path, rows, ("who", "day", "thumb"))
    table = rm.measure_table(
        log,
        surveys=surveys,
        period="W",
        start="2024-01-01",
        end="2024-01-14",
        measures="satisfaction",
    )
    assert [(0.5, 1, 2), (0.6, 3, 5)] == [*_numbers(table)]
    with pytest.raises(DataError, match="thumb is neither up nor down: 1"):
        surveys_of(tmp_path, [*rows, ("c", "2024-01-07", "sideways")], ("who", "day", "thumb"))


def _numbers(table):
    return table[["value", "numerator", "denominator"]].itertuples(index=False, name=None)


def test_an_answer_without_a_store_counts_at_every_store_of_its_customer(log, tmp_path):
    """The first answer, of a, is N's alone; c's has no store, and c is a customer of S; x is of none."""
    rows = [
        ("a", "2024-01-07", 10, "N"),
        ("c", "2024-01-07", 0, None),
        ("x", "2024-01-07", 0, None),
    ]
    surveys = surveys_of(tmp_path, rows, ("who", "day", "score", "store_id"))
    window = {"start": "2024-01-01", "end": "2024-02-29"}
    table = rm.measure_table(log, by="store_id", surveys=surveys, measures=NPS, **window)
    assert {
        "net_promoter_score N": (100.0, 1, 1),
        "net_promoter_score S": (-100.0, -1, 1),
    } == found(table, "store_id")
    one = rm.measure_table(log, store_id="S", surveys=surveys, measures=NPS, **window)
    assert {"net_promoter_score": (-100.0, -1, 1)} == found(one)
    every = rm.measure_table(log, surveys=surveys, measures=NPS, **window)
    assert (1 - 2, 3) == tuple(every[["numerator", "denominator"]].iloc[0])


def test_one_survey_of_several_can_be_chosen(log, tmp_path):
    """By its kind."""
    rows = [("a", "2024-01-07", 10, "till"), ("b", "2024-01-07", 0, "call")]
    surveys = surveys_of(tmp_path, rows, ("who", "day", "score", "kind"))
    table = rm.measure_table(log, surveys=surveys.of_kind("till"), measures=NPS, **JANUARY)
    assert {"net_promoter_score": (100.0, 1, 1)} == found(table)


ENGAGED = ["engagement_rate", "contact_kinds_per_customer"]


def test_engagement_is_of_everyone_who_has_ever_bought(log, tmp_path):
    """In February c bought, a answered and clicked twice, b did nothing, x is no customer."""
    surveys = surveys_of(tmp_path, [("a", "2024-02-07", 0), ("x", "2024-02-07", 0)])
    clicks = [
        ("a", "2024-02-01", "click"),
        ("a", "2024-02-02", "click"),
        ("b", "2024-01-31", "click"),
    ]
    events = events_of(tmp_path, clicks)
    table = rm.measure_table(
        log,
        surveys=surveys,
        events=events,
        start="2024-02-01",
        end="2024-02-29",
        measures=ENGAGED,
    )
    assert {
        "engagement_rate": (pytest.approx(2 / 3), 2, 3),
        "contact_kinds_per_customer": (1.0, 3, 3),
    } == found(table)


def test_engagement_without_other_sources_says_so(log):
    """Purchases are contacts too."""
    table = rm.measure_table(log, measures=ENGAGED, **JANUARY)
    assert table["note"].str.startswith("No contacts but purchases are given.").all()


def test_events_without_a_kind_are_refused(tmp_path):
    """Its row is shown."""
    with pytest.raises(DataError, match=r"row 1 after the header: no kind \(who = 'a'"):
        events_of(tmp_path, [("a", "2024-01-07", "")])


def test_a_column_that_is_not_there_is_named_with_the_nearest(tmp_path):
    """All of them at once."""
    (tmp_path / "s.csv").write_text("who,day,scores\na,2024-01-01,0\n", encoding="utf-8")
    with pytest.raises(DataError, match="score = 'score' \\(did you mean 'scores'"):
        rm.read_surveys(tmp_path / "s.csv", **NAMES, score="score")


def test_a_survey_needs_an_answer_and_a_known_scale(tmp_path):
    """Neither is guessed."""
    with pytest.raises(SettingsError, match="score, thumb or both"):
        rm.read_surveys(tmp_path / "s.csv", **NAMES)
    with pytest.raises(
        SettingsError, match='scale: expected "0-10" or "1-10"; got "1-5"'.replace('"1-5"', "'1-5'")
    ):
        rm.read_surveys(tmp_path / "s.csv", **NAMES, score="score", scale="1-5")


SECTIONS = """
[surveys]
source = "surveys.csv"
scale = "0-10"
[surveys.columns]
customer_id = "who"
answered_at = "day"
score = "score"
[events]
source = "events.csv"
[events.columns]
customer_id = "who"
date = "day"
kind = "kind"
"""


def test_a_project_file_names_surveys_and_events(tmp_path):
    """Both are optional; paths start at the project file's folder."""
    surveys_of(tmp_path, [("0042", "2024-01-07", 9)], scale="0-10")
    events_of(tmp_path, [("0042", "2024-01-07", "click")])
    settings = read_settings(written(tmp_path, GOOD + SECTIONS))
    surveys, events = read_project_surveys(settings), read_project_events(settings)
    assert ["0042"] == list(surveys.table.execute()["customer_id"])
    assert ["click"] == list(events.table.execute()["kind"])
    plain = read_settings(written(tmp_path, GOOD))
    assert (None, None) == (read_project_surveys(plain), read_project_events(plain))


def test_check_reads_them_too(tmp_path):
    """Rows and unusable rows of each source, after the log's."""
    (tmp_path / "log.csv").write_text("c,d,s\n0042,2024-01-07,1\n", encoding="utf-8")
    surveys_of(tmp_path, [("0042", "2024-01-07", 9), (None, "2024-01-07", 9)], scale="0-10")
    events_of(tmp_path, [("0042", "2024-01-07", "click")])
    project = written(tmp_path, GOOD + SECTIONS)
    result = CliRunner().invoke(retention, ["check", str(project)], standalone_mode=False)
    assert result.exception is None, result.output
    assert "surveys.csv: 2 rows, 1 unusable" in result.output
    assert "events.csv: 1 rows, 0 unusable" in result.output


def test_mistakes_in_these_sections_are_named_by_key(tmp_path):
    """All at once."""
    text = GOOD + SECTIONS.replace('score = "score"\n', "").replace('"0-10"', '"1-5"')
    text = text.replace('kind = "kind"', 'sort = "kind"')
    assert {
        "surveys.scale",
        "surveys.columns.thumb",
        "events.columns.kind",
        "events.columns.sort",
    } == {line.strip(" -").split(":")[0] for line in mistakes(tmp_path, text)[1:]}


def test_ids_that_a_spreadsheet_made_decimals_are_refused_as_in_the_log(tmp_path):
    """They would match no customer of the log, silently."""
    with pytest.raises(DataError, match="customer id turned into a decimal number: 1"):
        events_of(tmp_path, [("42.0", "2024-01-01", "coupon"), ("b", "2024-01-02", "coupon")])


def test_dates_in_another_format_come_with_the_formats_that_they_fit(tmp_path):
    """What the log's refusal says of its dates is said of every source."""
    with pytest.raises(DataError, match='All 1 of these dates fit "%d/%m/%Y"'):
        events_of(tmp_path, [("a", "31/12/2023", "coupon"), ("b", "2024-01-02", "coupon")])
