"""Retention modelling for shops: who will buy again, how often, and what each customer is worth.

Names are loaded when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retention_models.actions.lists import ActionList
    from retention_models.actions.segments import customer_segments
    from retention_models.campaigns.data.assignments import read_assignments, read_redemptions
    from retention_models.campaigns.data.read import read_campaign
    from retention_models.campaigns.data.tables import CampaignCustomers, CampaignStores
    from retention_models.campaigns.effects.effect import campaign_effect, effect_of
    from retention_models.campaigns.effects.overlapping import (
        OverlappingCampaigns,
        overlapping_campaigns,
    )
    from retention_models.campaigns.effects.result import CampaignEffect
    from retention_models.campaigns.effects.several import (
        campaign_effect_by_store,
        pooled_campaigns,
    )
    from retention_models.campaigns.plans.assignment import (
        CampaignAssignment,
        assign_customers,
        write_assignment,
    )
    from retention_models.campaigns.plans.looks import CampaignLooks, plan_looks
    from retention_models.campaigns.plans.plan import CampaignPlan, plan_campaign
    from retention_models.data.contacts import Events, Surveys, read_events, read_surveys
    from retention_models.data.quality import data_quality
    from retention_models.data.transactions import Transactions, read_transactions
    from retention_models.errors import CannotSay, DataError, RetentionError, SettingsError
    from retention_models.languages import phrase, speak_in
    from retention_models.measures.activity import activity_window
    from retention_models.measures.changes import measure_changes
    from retention_models.measures.cohorts import category_counts, cohort_retention, cohort_table
    from retention_models.measures.definitions import ANNUAL_CHURN_BAND
    from retention_models.measures.table import measure_table, store_measures
    from retention_models.models.chain.stores import StoreFits, fit_stores
    from retention_models.models.fitters import (
        BetaGeoFitter,
        GammaGammaFitter,
        ModifiedBetaGeoFitter,
        ParetoNBDFitter,
        from_json,
    )
    from retention_models.predictions.customers import predict_customers
    from retention_models.predictions.in_engine import predictions_table, write_predictions
    from retention_models.predictions.stores import predict_store
    from retention_models.predictions.validation.comparison import (
        ModelComparison,
        compare_models,
        track_models,
    )
    from retention_models.predictions.validation.holdout import validate_holdout
    from retention_models.predictions.validation.independence import spend_independence
    from retention_models.predictions.validation.tracking import weekly_totals, weekly_tracking
    from retention_models.project.campaign import ProjectCampaign, open_campaign
    from retention_models.project.campaign_overview import campaign_overview
    from retention_models.project.demonstration import write_demo
    from retention_models.project.outputs import write_campaign_outputs, write_outputs
    from retention_models.project.simulated_shop import SimulatedShop
    from retention_models.project.store import Store, open_store
    from retention_models.settings.actions import ActionSettings
    from retention_models.settings.campaigns import Campaign
    from retention_models.settings.project import Settings, read_settings
    from retention_models.summaries.counts import count_customers, count_spend
    from retention_models.summaries.customers import (
        calibration_holdout_summary,
        customer_summary,
        customer_summary_by_store,
    )

__version__ = "0.1.0"

_ROOM_OF = {
    "ActionList": "actions.lists",
    "ActionSettings": "settings.actions",
    "ANNUAL_CHURN_BAND": "measures.definitions",
    "BetaGeoFitter": "models.fitters",
    "Campaign": "settings.campaigns",
    "CampaignAssignment": "campaigns.plans.assignment",
    "CampaignCustomers": "campaigns.data.tables",
    "CampaignEffect": "campaigns.effects.result",
    "CampaignLooks": "campaigns.plans.looks",
    "CampaignPlan": "campaigns.plans.plan",
    "CampaignStores": "campaigns.data.tables",
    "CannotSay": "errors",
    "DataError": "errors",
    "Events": "data.contacts",
    "GammaGammaFitter": "models.fitters",
    "ModelComparison": "predictions.validation.comparison",
    "ModifiedBetaGeoFitter": "models.fitters",
    "OverlappingCampaigns": "campaigns.effects.overlapping",
    "ParetoNBDFitter": "models.fitters",
    "ProjectCampaign": "project.campaign",
    "RetentionError": "errors",
    "Settings": "settings.project",
    "SettingsError": "errors",
    "SimulatedShop": "project.simulated_shop",
    "Store": "project.store",
    "StoreFits": "models.chain.stores",
    "Surveys": "data.contacts",
    "Transactions": "data.transactions",
    "activity_window": "measures.activity",
    "assign_customers": "campaigns.plans.assignment",
    "calibration_holdout_summary": "summaries.customers",
    "campaign_effect": "campaigns.effects.effect",
    "campaign_effect_by_store": "campaigns.effects.several",
    "campaign_overview": "project.campaign_overview",
    "category_counts": "measures.cohorts",
    "cohort_retention": "measures.cohorts",
    "cohort_table": "measures.cohorts",
    "compare_models": "predictions.validation.comparison",
    "count_customers": "summaries.counts",
    "count_spend": "summaries.counts",
    "customer_segments": "actions.segments",
    "customer_summary": "summaries.customers",
    "customer_summary_by_store": "summaries.customers",
    "data_quality": "data.quality",
    "effect_of": "campaigns.effects.effect",
    "fit_stores": "models.chain.stores",
    "from_json": "models.fitters",
    "measure_changes": "measures.changes",
    "measure_table": "measures.table",
    "open_campaign": "project.campaign",
    "open_store": "project.store",
    "overlapping_campaigns": "campaigns.effects.overlapping",
    "phrase": "languages",
    "plan_campaign": "campaigns.plans.plan",
    "plan_looks": "campaigns.plans.looks",
    "pooled_campaigns": "campaigns.effects.several",
    "predict_customers": "predictions.customers",
    "predict_store": "predictions.stores",
    "predictions_table": "predictions.in_engine",
    "read_assignments": "campaigns.data.assignments",
    "read_campaign": "campaigns.data.read",
    "read_events": "data.contacts",
    "read_redemptions": "campaigns.data.assignments",
    "read_settings": "settings.project",
    "read_surveys": "data.contacts",
    "read_transactions": "data.transactions",
    "spend_independence": "predictions.validation.independence",
    "speak_in": "languages",
    "store_measures": "measures.table",
    "track_models": "predictions.validation.comparison",
    "validate_holdout": "predictions.validation.holdout",
    "weekly_totals": "predictions.validation.tracking",
    "weekly_tracking": "predictions.validation.tracking",
    "write_assignment": "campaigns.plans.assignment",
    "write_campaign_outputs": "project.outputs",
    "write_demo": "project.demonstration",
    "write_outputs": "project.outputs",
    "write_predictions": "predictions.in_engine",
}

__all__ = [
    "ANNUAL_CHURN_BAND",
    "ActionList",
    "ActionSettings",
    "BetaGeoFitter",
    "Campaign",
    "CampaignAssignment",
    "CampaignCustomers",
    "CampaignEffect",
    "CampaignLooks",
    "CampaignPlan",
    "CampaignStores",
    "CannotSay",
    "DataError",
    "Events",
    "GammaGammaFitter",
    "ModelComparison",
    "ModifiedBetaGeoFitter",
    "OverlappingCampaigns",
    "ParetoNBDFitter",
    "ProjectCampaign",
    "RetentionError",
    "Settings",
    "SettingsError",
    "SimulatedShop",
    "Store",
    "StoreFits",
    "Surveys",
    "Transactions",
    "activity_window",
    "assign_customers",
    "calibration_holdout_summary",
    "campaign_effect",
    "campaign_effect_by_store",
    "campaign_overview",
    "category_counts",
    "cohort_retention",
    "cohort_table",
    "compare_models",
    "count_customers",
    "count_spend",
    "customer_segments",
    "customer_summary",
    "customer_summary_by_store",
    "data_quality",
    "effect_of",
    "fit_stores",
    "from_json",
    "measure_changes",
    "measure_table",
    "open_campaign",
    "open_store",
    "overlapping_campaigns",
    "phrase",
    "plan_campaign",
    "plan_looks",
    "pooled_campaigns",
    "predict_customers",
    "predict_store",
    "predictions_table",
    "read_assignments",
    "read_campaign",
    "read_events",
    "read_redemptions",
    "read_settings",
    "read_surveys",
    "read_transactions",
    "speak_in",
    "spend_independence",
    "store_measures",
    "track_models",
    "validate_holdout",
    "weekly_totals",
    "weekly_tracking",
    "write_assignment",
    "write_campaign_outputs",
    "write_demo",
    "write_outputs",
    "write_predictions",
]


# Old names of modules that notebooks of one's own import: kept for one release.
_MOVED = {
    "campaign_page_words": "pages.campaign.words",
    "campaign_plots": "pages.campaign.figures",
    "campaign_tables": "pages.campaign.tables",
    "model_plots": "pages.models.figures",
    "model_words": "pages.models.words",
    "page_plots": "pages.store.figures",
    "plan_plots": "pages.campaign.plan",
    "plots": "pages.models.figures",
    "tables": "pages.models.tables",
    "words": "pages.store.words",
}


def __getattr__(name: str) -> Any:
    if name in _MOVED:
        return importlib.import_module(f"{__name__}.{_MOVED[name]}")
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_ROOM_OF[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
