"""What pages a run makes: of stores, and of campaigns.

Store ids as names of folders, and texts from data as one line of a log or a heading.
"""

from __future__ import annotations

import hashlib
import re
import urllib.parse
from dataclasses import dataclass

from retention_models.settings.project import Settings

# Of a page's numbers: how they are made and how far they held.
ABOUT = "about.html"


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

    @property
    def pages(self) -> tuple[str, str]:
        """Files that a notebook may become: the page, and what is said about its numbers."""
        return self.page, ABOUT

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


# Of the 255 bytes that a file's name may have; prefixes of folders being made need some.
_LONGEST = 180

# Control characters, and those that turn the direction of the text around them.
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def store_folder(store_id: str) -> str:
    """A store id as the name of a folder, another for every id; odd letters %-encoded.

    A name that would be longer than 180 bytes ends in ``~`` and the id's sha256; no other holds a ``~``.
    """
    # A lone half of a surrogate pair is no character, and still another id.
    encoded = urllib.parse.quote(store_id, safe="", errors="surrogatepass")
    encoded = encoded.replace(".", "%2E").replace("~", "%7E")
    if 0 < len(encoded) <= _LONGEST:
        return encoded
    digest = hashlib.sha256(store_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{re.sub('%.?$', '', encoded[:100])}~{digest}"


def one_line(text: str) -> str:
    """Text that can change neither a log's lines nor a terminal nor the direction of its neighbours."""
    return _UNSEEN.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)
