"""What pages a run makes: of stores, and of campaigns."""

from __future__ import annotations

from dataclasses import dataclass

from retention_models.settings.project import Settings


@dataclass(frozen=True)
class PageKind:
    """One kind of page: its name, its notebook, and the file that the index reads."""

    name: str
    report: str
    headline: str

    @property
    def notebook(self) -> str:
        """File of the executed notebook."""
        return f"{self.report}.ipynb"

    @property
    def page(self) -> str:
        """File of the page."""
        return f"{self.report}.html"

    def title(self, settings: Settings, of: str) -> tuple[str, str]:
        """The word before the name, where it has no name but its id, and the name."""
        if self.name == "campaign":
            names = {campaign.id: campaign.name for campaign in settings.campaigns}
            return ("", names[of]) if of in names else ("Campaign ", of)
        name = settings.store_name(of)
        return ("Store " if name == of else ""), name


STORE = PageKind("store", "store_report", "metrics.json")
# Pages of campaigns stand in a folder of their own below the output folder.
CAMPAIGNS = "campaigns"
CAMPAIGN = PageKind("campaign", "campaign_report", "effect.json")
