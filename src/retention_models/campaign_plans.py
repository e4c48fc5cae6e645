"""Old name of `retention_models.pages.campaign.plan`, kept for one's own notebooks for one release."""

from retention_models.pages.campaign import plan as shown

__all__ = ["shown"]
