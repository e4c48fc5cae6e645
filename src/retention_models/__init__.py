"""Retention modelling for shops: who will buy again, how often, and what each customer is worth.

Names are loaded when first used, so that importing the package costs nothing; `__init__.pyi` tells
them to type checkers and editors.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from retention_models._imports import listed_without_loading

__version__ = "0.1.0"

_NAMES = {
    "actions.lists": "ActionList",
    "actions.segments": "customer_segments",
    "campaigns.data.assignments": "read_assignments read_redemptions",
    "campaigns.data.read": "read_campaign",
    "campaigns.data.tables": "CampaignCustomers CampaignStores",
    "campaigns.effects.effect": "campaign_effect effect_of",
    "campaigns.effects.heavy_spend": "CappedEffect capped_effect",
    "campaigns.effects.overlapping": "OverlappingCampaigns overlapping_campaigns",
    "campaigns.effects.policy": "TreatmentPolicy whom_to_treat",
    "campaigns.effects.result": "CampaignEffect",
    "campaigns.effects.several": "campaign_effect_by_store pooled_campaigns",
    "campaigns.plans.assignment": "CampaignAssignment assign_customers write_assignment",
    "campaigns.plans.looks": "CampaignLooks plan_looks",
    "campaigns.plans.plan": "CampaignPlan plan_campaign",
    "data.contacts": "Events Surveys read_events read_surveys",
    "data.quality": "data_quality",
    "data.reading_transactions": "read_transactions",
    "data.transactions": "Transactions",
    "errors": "CannotSay DataError RetentionError SettingsError",
    "languages": "phrase speak_in",
    "measures.activity": "activity_window",
    "measures.changes": "measure_changes",
    "measures.cohorts": "category_counts cohort_retention cohort_table",
    "measures.definitions": "ANNUAL_CHURN_BAND",
    "measures.drivers": "ChurnDrivers churn_drivers",
    "measures.rfm": "RFM_SEGMENTS rfm_grid rfm_scores",
    "measures.table": "measure_table store_measures",
    "models.chain.stores": "StoreFits fit_stores",
    "models.fitters": (
        "BetaGeoCNBDFitter BetaGeoFitter GammaGammaFitter MidLifeFitter ModifiedBetaGeoCNBDFitter "
        "ModifiedBetaGeoFitter ParetoNBDFitter from_json"
    ),
    "models.regular.regularity": "RegularityTest regularity_test",
    "models.seasons.calendar": "Calendar",
    "predictions.acquisition": "new_customer_value",
    "predictions.alive": "alive_path customers_alive_path",
    "predictions.customers": "predict_customers",
    "predictions.in_engine": "predictions_table write_predictions",
    "predictions.loyalty_claims": "LoyaltyClaims loyalty_claims",
    "predictions.next_purchase": "next_purchase",
    "predictions.repeat_customers": "RepeatCustomerWorth repeat_customer_worth",
    "predictions.retention_worth": "RetentionWorth retention_worth",
    "predictions.reward_liability": "RewardLiability reward_liability",
    "predictions.rewards": "RewardPrice price_reward",
    "predictions.stores": "predict_store",
    "predictions.validation.comparison": "ModelComparison compare_models track_models",
    "predictions.validation.holdout": "validate_holdout",
    "predictions.validation.independence": "spend_independence",
    "predictions.validation.tracking": "weekly_totals weekly_tracking",
    "predictions.whole_store": "WholeStore predict_whole_store",
    "project.campaign": "ProjectCampaign open_campaign",
    "project.campaign_overview": "campaign_overview",
    "project.campaign_outputs": "write_campaign_outputs",
    "project.demonstration": "write_demo",
    "project.open_store": "open_store",
    "project.outputs": "write_outputs",
    "project.simulated_shop": "SimulatedShop",
    "project.store": "Store",
    "settings.actions": "ActionSettings",
    "settings.campaigns": "Campaign",
    "settings.project": "Settings",
    "settings.reading": "read_settings",
    "summaries.counts": "count_customers count_purchase_days count_spend",
    "summaries.first_orders": "first_orders",
    "summaries.purchase_gaps": "count_purchase_gaps",
    "summaries.gaps": "sum_log_gaps",
    "summaries.customers": "calibration_holdout_summary customer_summary customer_summary_by_store",
}
_WHERE = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_WHERE)  # noqa: PLE0605 - the stub has them one by one

# Old names of modules that notebooks of one's own import: kept for one release.
_MOVED = {
    "campaign_page_words": "pages.campaign.words",
    "campaign_plots": "pages.campaign.figures",
    "campaign_tables": "pages.campaign.tables",
    "model_plots": "pages.models.figures",
    "model_words": "pages.models.words",
    "page_plots": "pages.store.figures",
    "plan_plots": "pages.campaign.plan",
    "plots": "pages.plots",
    "tables": "pages.models.tables",
    "words": "pages.store.words",
}


def __getattr__(name: str) -> Any:
    if name in _MOVED:
        return importlib.import_module(f"{__name__}.{_MOVED[name]}")
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = found
    return found


sys.modules[__name__].__class__ = listed_without_loading(
    [*__all__, "plots"], __getattr__, there=["__version__"]
)
