"""Models side by side: published fits, one holdout, and a sentence that says which to use."""

import pandas as pd
import pytest

import retention_models as rm
from retention_models.errors import SettingsError
from retention_models.pages.models import figures, tables, words as model_words
from retention_models.predictions.model_names import FLOOR
from retention_models.predictions.validation.comparison import _recommendation

CDNOW = {"calibration_end": "1997-09-30", "holdout_end": "1998-06-30"}


@pytest.fixture(scope="module")
def store(cdnow):
    """CDNOW."""
    return rm.open_store(cdnow, "cdnow")


@pytest.mark.nightly
def test_the_published_fits_stand_side_by_side(store):
    """LL of FHL (2005): BG/NBD −9582.4, Pareto/NBD −9595.0; of BDF (2007): MBG/NBD −9582.1."""
    table = store.comparison.table
    assert ["BG/NBD", "MBG/NBD", "Pareto/NBD", FLOOR] == list(table.index)
    assert [-9582.4292, -9582.1357, -9594.9762] == pytest.approx(
        table["log_likelihood"].iloc[:3], abs=1e-3
    )
    assert table["aic"].tolist() == pytest.approx(
        (2 * table["free_parameters"] - 2 * table["log_likelihood"]).tolist()
    )
    assert [4, 4, 4, 2] == table["free_parameters"].tolist()
    assert 0.0 == table["delta_aic"].min()
    # FHL (2005), section 5: 1,653.4 by the BG/NBD.
    assert table.loc["BG/NBD", "expected"] == pytest.approx(1653.4, abs=0.05)
    assert (table["actual"] == 1882).all()


@pytest.mark.slow
def test_of_models_that_describe_the_data_equally_the_first_is_recommended(store):
    """BG/NBD and MBG/NBD are 0.6 of AIC apart, the Pareto/NBD 25."""
    found = store.comparison
    assert "BG/NBD" == found.recommended
    assert found.chosen is found.validations["BG/NBD"]
    assert "the MBG/NBD describes the data as well (AIC within 0.6)" in found.reason
    assert "clearly better than the Pareto/NBD (AIC lower by 25.1" in found.reason
    assert "without dropout (the NBD) the AIC would be worse by 358.5" in found.reason


def comparison_table(aic: dict[str, float], failed: tuple[str, ...] = ()) -> pd.DataFrame:
    """A table with what the recommendation reads."""
    names = [*aic]
    return pd.DataFrame(
        {
            "aic": [*aic.values()],
            "total_error": 0.5,
            "verdict": ["do not use" if name in failed else "use" for name in names],
        },
        index=names,
    )


def test_a_model_that_failed_is_not_recommended():
    """Its lower AIC does not help it."""
    aic = {"BG/NBD": 100.0, "Pareto/NBD": 106.0, FLOOR: 150.0}
    name, reason = _recommendation(comparison_table(aic, failed=("BG/NBD",)))
    assert "Pareto/NBD" == name
    assert "the BG/NBD failed on the weeks held out" in reason
    name, reason = _recommendation(comparison_table(aic, failed=("BG/NBD", "Pareto/NBD")))
    assert name is None
    assert reason.startswith("Use none of these models")


def test_differences_are_called_by_their_size():
    """Under 2 none, up to 10 some, beyond clear; and dropout that cannot be seen is called so."""
    for gap, words in ((1.0, "describes the data as well"), (5.0, "somewhat"), (20.0, "clearly")):
        aic = {"BG/NBD": 100.0, "Pareto/NBD": 100.0 + gap, FLOOR: 101.0}
        name, reason = _recommendation(comparison_table(aic))
        assert "BG/NBD" == name
        assert words in reason
        assert "that some leave for good cannot be seen" in reason


@pytest.mark.slow
def test_models_are_asked_for_by_name_or_class(store):
    """One alone may be, none twice, and nothing else."""
    one = rm.validate_holdout(store.log, **CDNOW, model=rm.ModifiedBetaGeoFitter)
    assert "MBG/NBD" == one.purchases.label
    assert one.total == store.comparison.validations["MBG/NBD"].total
    with pytest.raises(SettingsError, match="model: expected one of bg_nbd"):
        rm.validate_holdout(store.log, **CDNOW, model="bgnbd")
    with pytest.raises(SettingsError, match="at least one, each once"):
        rm.compare_models(store.log, **CDNOW, models=["bg_nbd", rm.BetaGeoFitter])


@pytest.mark.slow
def test_sentences_and_tables_read_the_comparison_back(store):
    """Numbers of the result, in words and cells."""
    found = store.comparison
    assert "2,357 customers had bought, 946 of them on more than one day, 2,457 repeat" in (
        model_words.what_is_compared(found, "W")
    )
    assert "the BG/NBD expected 1,653 (−12%)" in model_words.tracking_of_models(found)
    assert "0.05 (the BG/NBD), 0.08 (the MBG/NBD) and 0.05 (the Pareto/NBD)" in (
        model_words.estimates(found, "W")
    )
    counts = found.chosen.counts
    assert f"{counts.pit.value:.1%} ({counts.pit.low:.1%} to" in (
        model_words.count_intervals(found.chosen)
    )
    share = (found.chosen.customers["frequency_holdout"] > 0).mean()
    assert f"Of all customers {share:.0%} bought" in model_words.alive_calibration(found.chosen)
    assert "always zero" in tables.rules_of_thumb(found.chosen).index
    assert ["1,653", "1,882", "−12%"] == tables.holdouts(found).loc["BG/NBD"].tolist()[:3]
    assert "−9,582.4" == tables.fits(found).loc["BG/NBD", "Log-likelihood"]


@pytest.mark.nightly
def test_every_model_is_drawn_with_what_came(store):
    """The lines end where the tables end; the diamonds are the expected shares."""
    paths = rm.track_models(store.log, store.comparison, store_id=store.id)
    ends = {
        round(float(line.get_ydata()[-1]), 6)
        for line in figures.tracking_of_models(paths, store.comparison).lines
    }
    assert {round(table["forecast"].iloc[-1], 6) for table in paths.values()} <= ends
    ax = figures.alive_calibration(store.comparison.chosen)
    groups = store.comparison.chosen.by_alive
    drawn = groups.loc[groups["customers"] >= 5, "expected"].tolist()
    assert any(line.get_ydata().tolist() == drawn for line in ax.lines)
