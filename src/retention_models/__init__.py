"""Retention modelling for shops: who will buy again, how often, and what each customer is worth.

Names are loaded when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retention_models.action_settings import ActionSettings
    from retention_models.actions.lists import ActionList
    from retention_models.actions.segments import customer_segments
    from retention_models.campaign_data.customers import CampaignCustomers, CampaignStores
    from retention_models.campaign_data.reading import read_assignments, read_redemptions
    from retention_models.campaign_data.reading_campaign import read_campaign
    from retention_models.campaign_effects.by_store import campaign_effect_by_store
    from retention_models.campaign_effects.entry import campaign_effect
    from retention_models.campaign_effects.estimate import effect_of
    from retention_models.campaign_effects.overlapping import (
        OverlappingCampaigns,
        overlapping_campaigns,
    )
    from retention_models.campaign_effects.pooled import pooled_campaigns
    from retention_models.campaign_effects.result import CampaignEffect
    from retention_models.campaign_outputs import write_campaign_outputs
    from retention_models.campaign_overviews import campaign_overview
    from retention_models.campaign_plans.assignment import CampaignAssignment, assign_customers
    from retention_models.campaign_plans.assignment_files import write_assignment
    from retention_models.campaign_plans.looks import CampaignLooks, plan_looks
    from retention_models.campaign_plans.plan import CampaignPlan, plan_campaign
    from retention_models.campaign_settings import Campaign
    from retention_models.chain_models import StoreFits, fit_stores
    from retention_models.chain_summaries import customer_summary_by_store
    from retention_models.comparison import ModelComparison, compare_models, track_models
    from retention_models.contacts.reading import Events, Surveys, read_events, read_surveys
    from retention_models.customer_counts import count_customers, count_spend
    from retention_models.customer_summaries import (
        calibration_holdout_summary,
        customer_summary,
    )
    from retention_models.demonstration import write_demo
    from retention_models.demonstration.simulated_shop import SimulatedShop
    from retention_models.engine_predictions import predictions_table, write_predictions
    from retention_models.errors import (
        CannotSay,
        DataError,
        RetentionError,
        SettingsError,
    )
    from retention_models.forecasts import predict_store
    from retention_models.independence import spend_independence
    from retention_models.languages import phrase, speak_in
    from retention_models.log_reading import read_transactions
    from retention_models.measures.activity import activity_window
    from retention_models.measures.categories import category_counts
    from retention_models.measures.changes import measure_changes
    from retention_models.measures.cohorts import cohort_retention, cohort_table
    from retention_models.measures.definitions import ANNUAL_CHURN_BAND
    from retention_models.measures.table import measure_table, store_measures
    from retention_models.models.fitters import (
        BetaGeoFitter,
        GammaGammaFitter,
        ModifiedBetaGeoFitter,
        ParetoNBDFitter,
        from_json,
    )
    from retention_models.outputs import write_outputs
    from retention_models.predictions import predict_customers
    from retention_models.project_campaigns import ProjectCampaign, open_campaign
    from retention_models.quality.report import data_quality
    from retention_models.settings import Settings, read_settings
    from retention_models.store import Store, open_store
    from retention_models.tracking import weekly_totals, weekly_tracking
    from retention_models.transactions import Transactions
    from retention_models.validation import validate_holdout

__version__ = "0.1.0"

_ROOM_OF = {
    "ActionList": "actions.lists",
    "ActionSettings": "action_settings",
    "ANNUAL_CHURN_BAND": "measures.definitions",
    "BetaGeoFitter": "models.fitters",
    "Campaign": "campaign_settings",
    "CampaignAssignment": "campaign_plans.assignment",
    "CampaignCustomers": "campaign_data.customers",
    "CampaignEffect": "campaign_effects.result",
    "CampaignLooks": "campaign_plans.looks",
    "CampaignPlan": "campaign_plans.plan",
    "CampaignStores": "campaign_data.customers",
    "CannotSay": "errors",
    "DataError": "errors",
    "Events": "contacts.reading",
    "GammaGammaFitter": "models.fitters",
    "ModelComparison": "comparison",
    "ModifiedBetaGeoFitter": "models.fitters",
    "OverlappingCampaigns": "campaign_effects.overlapping",
    "ParetoNBDFitter": "models.fitters",
    "ProjectCampaign": "project_campaigns",
    "RetentionError": "errors",
    "Settings": "settings",
    "SettingsError": "errors",
    "SimulatedShop": "demonstration.simulated_shop",
    "Store": "store",
    "StoreFits": "chain_models",
    "Surveys": "contacts.reading",
    "Transactions": "transactions",
    "activity_window": "measures.activity",
    "assign_customers": "campaign_plans.assignment",
    "calibration_holdout_summary": "customer_summaries",
    "campaign_effect": "campaign_effects.entry",
    "campaign_effect_by_store": "campaign_effects.by_store",
    "campaign_overview": "campaign_overviews",
    "category_counts": "measures.categories",
    "cohort_retention": "measures.cohorts",
    "cohort_table": "measures.cohorts",
    "compare_models": "comparison",
    "count_customers": "customer_counts",
    "count_spend": "customer_counts",
    "customer_segments": "actions.segments",
    "customer_summary": "customer_summaries",
    "customer_summary_by_store": "chain_summaries",
    "data_quality": "quality.report",
    "effect_of": "campaign_effects.estimate",
    "fit_stores": "chain_models",
    "from_json": "models.fitters",
    "measure_changes": "measures.changes",
    "measure_table": "measures.table",
    "open_campaign": "project_campaigns",
    "open_store": "store",
    "overlapping_campaigns": "campaign_effects.overlapping",
    "phrase": "languages",
    "plan_campaign": "campaign_plans.plan",
    "plan_looks": "campaign_plans.looks",
    "pooled_campaigns": "campaign_effects.pooled",
    "predict_customers": "predictions",
    "predict_store": "forecasts",
    "predictions_table": "engine_predictions",
    "read_assignments": "campaign_data.reading",
    "read_campaign": "campaign_data.reading_campaign",
    "read_events": "contacts.reading",
    "read_redemptions": "campaign_data.reading",
    "read_settings": "settings",
    "read_surveys": "contacts.reading",
    "read_transactions": "log_reading",
    "spend_independence": "independence",
    "speak_in": "languages",
    "store_measures": "measures.table",
    "track_models": "comparison",
    "validate_holdout": "validation",
    "weekly_totals": "tracking",
    "weekly_tracking": "tracking",
    "write_assignment": "campaign_plans.assignment_files",
    "write_campaign_outputs": "campaign_outputs",
    "write_demo": "demonstration",
    "write_outputs": "outputs",
    "write_predictions": "engine_predictions",
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


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_ROOM_OF[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
