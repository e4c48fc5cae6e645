"""How far to believe an effect: by the design, and one step less where a check fails."""

from __future__ import annotations

from collections.abc import Sequence

from retention_models.campaign_data.customers import Finding
from retention_models.campaign_effects.result import Grade
from retention_models.campaign_settings import Design
from retention_models.languages import phrase

# A lot decides · whole stores, with what they did before · a rule, with others like those chosen ·
# customers themselves, with what a hidden cause could do.
OF_DESIGN: dict[Design, Grade] = {
    "randomised": "A",
    "stores": "B",
    "targeted": "C",
    "self_selected": "D",
}
GRADES: tuple[Grade, ...] = ("A", "B", "C", "D")
# Failures that bear on trust. Others, such as a follow-up that is not over, say what is not told; and
# what makes an effect look smaller than it is, as redemptions by control do, makes none of nothing.
OF_TRUST = (
    "sample ratio",
    "balance",
    "overlap",
    "offers before the start",
    "pre-trend",
    "stores open throughout",
)


def grade_of(design: Design, checks: Sequence[Finding]) -> tuple[Grade, Finding]:
    """Grade of an effect, and the check that says why.

    Parameters
    ----------
    design : str
        One that is not refused.
    checks : sequence of Finding
        All of them; whatever blocks has passed.

    Returns
    -------
    grade : {"A", "B", "C", "D"}
        The design's; one step less, and never below D, where a check of `OF_TRUST` failed.
    why : Finding

    Examples
    --------
    >>> failed = Finding("balance", passed=False, blocks=False, words="The arms differed before.")
    >>> grade, why = grade_of("randomised", [failed])
    >>> grade, why.passed, why.words
    ('B', False, 'Grade B instead of A. The arms differed before.')
    """
    best = OF_DESIGN[design]
    failed = [check for check in checks if not check.passed and check.check in OF_TRUST]
    if not failed:
        return best, Finding(
            "grade", True, False, phrase("Grade {grade}, the best of its design.", grade=best)
        )
    reasons = " ".join(dict.fromkeys(check.words for check in failed))
    grade = GRADES[min(GRADES.index(best) + 1, len(GRADES) - 1)]
    instead = phrase("Grade {grade}.", grade=grade)
    if grade != best:
        instead = phrase("Grade {grade} instead of {best}.", grade=grade, best=best)
    return grade, Finding("grade", False, False, f"{instead} {reasons}")
