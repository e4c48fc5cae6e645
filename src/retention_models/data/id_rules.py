"""What is done to ids before customers are told apart: alike in the log and in all sources beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retention_models.data.contract import MENDABLE
from retention_models.errors import SettingsError

if TYPE_CHECKING:
    from retention_models.settings.project import Settings
    from retention_models.settings.types import ReadFiles


@dataclass(frozen=True)
class IdRule:
    """Besides taking off blanks, which is always done."""

    mend: bool = False  # 17850.0 is 17850, where no id is lost by it
    ignore_case: bool = False  # of customers' ids
    anonymous: Sequence[str] = ()  # customers' ids that stand for nobody

    def __post_init__(self) -> None:
        given = self.anonymous
        if isinstance(given, str) or not all(isinstance(text, str) for text in given):
            raise SettingsError(f"anonymous: expected a list of texts; got {given!r}.")

    @property
    def nobody(self) -> list[str]:
        """Ids that stand for nobody, as ids are read."""
        return [self.of(text) for text in self.anonymous]

    def of(self, text: str) -> str:
        """One customer's id as ids are read."""
        text = text.strip()
        if self.mend and re.search(MENDABLE, text):
            text = re.sub(r"\.0+$", "", text)
        return text.lower() if self.ignore_case else text


def project_rule(settings: Settings, own: ReadFiles | None = None) -> IdRule:
    """The rule of a project's log, and of a source beside it that may ask for more."""
    log = settings.transactions
    return IdRule(
        log.mend_ids or (own is not None and own.mend_ids),
        log.ignore_case or (own is not None and own.ignore_case),
        log.anonymous,
    )


def as_options(rule: IdRule) -> dict[str, Any]:
    """The rule as options of a reader."""
    return {
        "mend_ids": rule.mend,
        "ignore_case": rule.ignore_case,
        "anonymous": tuple(rule.anonymous),
    }
