"""What changed in a shop whose forecast is withheld, in a clause about its customers."""

from __future__ import annotations

import datetime as dt

from retention_models.languages import catalogue, day, phrase, share
from retention_models.predictions.validation.holdout import HoldoutValidation
from retention_models.predictions.validation.store_changes import LEVEL

# In the order in which they explain: a closed shop needs no other.
_CAUSES = ("closed", "drift", "season", "swing", "open", "total", "not identified")


def changed_in_the_shop(found: HoldoutValidation) -> str:
    """What its customers did that a forecast cannot know, by the first of the holdout's causes."""
    cause = next((name for name in _CAUSES if name in found.causes), "not identified")
    silence, swing = found.silence, found.swing
    if cause == "closed" and silence is not None:
        return phrase(_SAID["closed"], day=day(silence.last_purchase))
    if cause == "drift" and swing is not None:
        key = "drift.down" if swing.drift < 0 else "drift.up"
        return phrase(_SAID[key], size=share(abs(swing.drift)))
    if cause in ("season", "swing") and swing is not None:
        return phrase(_SAID[cause], size=share(swing.amplitude))
    if cause == "open":
        return phrase(_SAID["open"])
    if cause == "total" and found.total.value > 0:
        since = found.since
        tested = since is not None and since.pvalue < LEVEL
        off = (
            since.change if since is not None and tested else found.actual / found.total.value - 1.0
        )
        first = day(found.calibration_end + dt.timedelta(days=1))
        key = f"{'total' if tested else 'off'}.{'down' if off < 0 else 'up'}"
        return phrase(_SAID[key], size=share(abs(off)), first=first)
    return phrase(_SAID["not identified"])


_SAID = catalogue(
    {
        "closed": "nothing has been bought since {day}",
        "drift.down": "the same customers buy {size} less often than a year ago",
        "drift.up": "the same customers buy {size} more often than a year ago",
        "season": "the same customers buy by the season, ±{size} over the year",
        "swing": "how often the same customers buy swings by ±{size} over the weeks",
        "total.down": "since {first} the same customers have bought {size} less often than before",
        "total.up": "since {first} the same customers have bought {size} more often than before",
        "off.down": "since {first} the customers known then have bought {size} less than was expected",
        "off.up": "since {first} the customers known then have bought {size} more than was expected",
        "open": "the data are too short to say how many customers stay",
        "not identified": "too few customers have come back to tell how often they do",
    }
)
