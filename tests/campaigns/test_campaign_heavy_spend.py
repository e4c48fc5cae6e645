"""The effect on spend with the heaviest spenders capped, beside the effect as it is."""

import numpy as np
import pytest

import retention_models as rm
from campaign_effect_samples import randomised


def test_a_heavy_spender_moves_the_effect_and_not_the_capped_one():
    """One customer of the arm with a fortune: the plain interval explodes, the capped hardly moves."""
    data = randomised(7, 3_000)
    before = rm.capped_effect(data, quantile=0.99)
    spend = data.outcomes["campaign"]["spend"].to_numpy().copy()
    spend[np.flatnonzero(data.table["arm"] == "coupon")[0]] = 1e6
    data.outcomes["campaign"]["spend"] = spend
    after = rm.capped_effect(data, quantile=0.99)
    move = (after.table - before.table)["absolute_effect"].abs()
    assert move["as it is"] > 100.0 * move["capped"]
    assert (
        before.table.loc["capped", "standard_error"]
        < before.table.loc["as it is", "standard_error"]
    )
    assert before.capped == pytest.approx(0.01 * (spend > 0).sum(), abs=1)
    assert "With spend capped at the 99.0% quantile" in after.sentence()
    assert after.sentence() in repr(after)


def test_what_cannot_be_capped_is_said():
    """A quantile out of range, an unknown arm, nobody who spent, and a refused campaign."""
    data = randomised(7, 1_000)
    for wrong, said in (({"quantile": 0.5}, "quantile"), ({"quantile": 0.99, "arm": "sms"}, "arm")):
        with pytest.raises(rm.SettingsError, match=said):
            rm.capped_effect(data, **wrong)
    with pytest.raises(rm.CannotSay):
        rm.capped_effect(randomised(7, 40), quantile=0.99)
    data.outcomes["campaign"]["spend"] = 0.0
    with pytest.raises(rm.CannotSay, match="nothing to cap"):
        rm.capped_effect(data, quantile=0.99)
