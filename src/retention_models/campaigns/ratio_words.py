"""Whether the arms have the customers that were planned, in a sentence."""

from __future__ import annotations

import pandas as pd

from retention_models.languages import count, phrase


def ratio_words(table: pd.DataFrame, blocked: bool) -> str:
    """What a test of the sample ratio found.

    Parameters
    ----------
    table : DataFrame, index arm
        customers and expected.
    blocked : bool
        Whether chance hardly explains the difference.

    Returns
    -------
    str
    """
    if not blocked:
        return phrase("The arms have as many customers as were planned, but for chance.")
    parts = [
        phrase(
            "{arm} {n} where {expected} were expected",
            arm=arm,
            n=count(row.customers),
            expected=count(row.expected),
        )
        for arm, row in table.iterrows()
    ]
    return phrase(
        "The arms do not have the customers that were planned ({arms}): some were lost or added in one "
        "arm more than in another, so no effect is given. Find out where they went.",
        arms=", ".join(parts),
    )
