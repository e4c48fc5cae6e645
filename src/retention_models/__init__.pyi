# The names of the package as type checkers and editors see them; a test holds them against `_WHERE`.
from retention_models.actions.lists import ActionList as ActionList
from retention_models.actions.segments import customer_segments as customer_segments
from retention_models.campaigns.data.assignments import (
    read_assignments as read_assignments,
    read_redemptions as read_redemptions,
)
from retention_models.campaigns.data.read import read_campaign as read_campaign
from retention_models.campaigns.data.tables import (
    CampaignCustomers as CampaignCustomers,
    CampaignStores as CampaignStores,
)
from retention_models.campaigns.effects.effect import (
    campaign_effect as campaign_effect,
    effect_of as effect_of,
)
from retention_models.campaigns.effects.heavy_spend import (
    CappedEffect as CappedEffect,
    capped_effect as capped_effect,
)
from retention_models.campaigns.effects.overlapping import (
    OverlappingCampaigns as OverlappingCampaigns,
    overlapping_campaigns as overlapping_campaigns,
)
from retention_models.campaigns.effects.policy import (
    TreatmentPolicy as TreatmentPolicy,
    whom_to_treat as whom_to_treat,
)
from retention_models.campaigns.effects.result import CampaignEffect as CampaignEffect
from retention_models.campaigns.effects.several import (
    campaign_effect_by_store as campaign_effect_by_store,
    pooled_campaigns as pooled_campaigns,
)
from retention_models.campaigns.plans.assignment import (
    CampaignAssignment as CampaignAssignment,
    assign_customers as assign_customers,
    write_assignment as write_assignment,
)
from retention_models.campaigns.plans.looks import (
    CampaignLooks as CampaignLooks,
    plan_looks as plan_looks,
)
from retention_models.campaigns.plans.plan import (
    CampaignPlan as CampaignPlan,
    plan_campaign as plan_campaign,
)
from retention_models.data.contacts import (
    Events as Events,
    Surveys as Surveys,
    read_events as read_events,
    read_surveys as read_surveys,
)
from retention_models.data.quality import data_quality as data_quality
from retention_models.data.reading_transactions import read_transactions as read_transactions
from retention_models.data.transactions import Transactions as Transactions
from retention_models.errors import (
    CannotSay as CannotSay,
    DataError as DataError,
    RetentionError as RetentionError,
    SettingsError as SettingsError,
)
from retention_models.languages import phrase as phrase, speak_in as speak_in
from retention_models.measures.activity import activity_window as activity_window
from retention_models.measures.changes import measure_changes as measure_changes
from retention_models.measures.cohorts import (
    category_counts as category_counts,
    cohort_retention as cohort_retention,
    cohort_table as cohort_table,
)
from retention_models.measures.definitions import ANNUAL_CHURN_BAND as ANNUAL_CHURN_BAND
from retention_models.measures.drivers import (
    ChurnDrivers as ChurnDrivers,
    churn_drivers as churn_drivers,
)
from retention_models.measures.rfm import (
    RFM_SEGMENTS as RFM_SEGMENTS,
    rfm_grid as rfm_grid,
    rfm_scores as rfm_scores,
)
from retention_models.measures.table import (
    measure_table as measure_table,
    store_measures as store_measures,
)
from retention_models.models.chain.stores import StoreFits as StoreFits, fit_stores as fit_stores
from retention_models.models.fitters import (
    BetaGeoCNBDFitter as BetaGeoCNBDFitter,
    BetaGeoFitter as BetaGeoFitter,
    GammaGammaFitter as GammaGammaFitter,
    MidLifeFitter as MidLifeFitter,
    ModifiedBetaGeoCNBDFitter as ModifiedBetaGeoCNBDFitter,
    ModifiedBetaGeoFitter as ModifiedBetaGeoFitter,
    ParetoNBDFitter as ParetoNBDFitter,
    from_json as from_json,
)
from retention_models.models.regular.regularity import (
    RegularityTest as RegularityTest,
    regularity_test as regularity_test,
)
from retention_models.models.seasons.calendar import Calendar as Calendar
from retention_models.predictions.acquisition import new_customer_value as new_customer_value
from retention_models.predictions.alive import (
    alive_path as alive_path,
    customers_alive_path as customers_alive_path,
)
from retention_models.predictions.customers import predict_customers as predict_customers
from retention_models.predictions.in_engine import (
    predictions_table as predictions_table,
    write_predictions as write_predictions,
)
from retention_models.predictions.loyalty_claims import (
    LoyaltyClaims as LoyaltyClaims,
    loyalty_claims as loyalty_claims,
)
from retention_models.predictions.next_purchase import next_purchase as next_purchase
from retention_models.predictions.repeat_customers import (
    RepeatCustomerWorth as RepeatCustomerWorth,
    repeat_customer_worth as repeat_customer_worth,
)
from retention_models.predictions.retention_worth import (
    RetentionWorth as RetentionWorth,
    retention_worth as retention_worth,
)
from retention_models.predictions.reward_liability import (
    RewardLiability as RewardLiability,
    reward_liability as reward_liability,
)
from retention_models.predictions.rewards import (
    RewardPrice as RewardPrice,
    price_reward as price_reward,
)
from retention_models.predictions.stores import predict_store as predict_store
from retention_models.predictions.validation.comparison import (
    ModelComparison as ModelComparison,
    compare_models as compare_models,
    track_models as track_models,
)
from retention_models.predictions.validation.holdout import validate_holdout as validate_holdout
from retention_models.predictions.validation.independence import (
    spend_independence as spend_independence,
)
from retention_models.predictions.validation.tracking import (
    weekly_totals as weekly_totals,
    weekly_tracking as weekly_tracking,
)
from retention_models.predictions.whole_store import (
    WholeStore as WholeStore,
    predict_whole_store as predict_whole_store,
)
from retention_models.project.campaign import (
    ProjectCampaign as ProjectCampaign,
    open_campaign as open_campaign,
)
from retention_models.project.campaign_outputs import (
    write_campaign_outputs as write_campaign_outputs,
)
from retention_models.project.campaign_overview import campaign_overview as campaign_overview
from retention_models.project.demonstration import write_demo as write_demo
from retention_models.project.open_store import open_store as open_store
from retention_models.project.outputs import write_outputs as write_outputs
from retention_models.project.simulated_shop import SimulatedShop as SimulatedShop
from retention_models.project.store import Store as Store
from retention_models.settings.actions import ActionSettings as ActionSettings
from retention_models.settings.campaigns import Campaign as Campaign
from retention_models.settings.project import Settings as Settings
from retention_models.settings.reading import read_settings as read_settings
from retention_models.summaries.counts import (
    count_customers as count_customers,
    count_purchase_days as count_purchase_days,
    count_spend as count_spend,
)
from retention_models.summaries.customers import (
    calibration_holdout_summary as calibration_holdout_summary,
    customer_summary as customer_summary,
    customer_summary_by_store as customer_summary_by_store,
)
from retention_models.summaries.first_orders import first_orders as first_orders
from retention_models.summaries.gaps import sum_log_gaps as sum_log_gaps
from retention_models.summaries.purchase_gaps import (
    count_purchase_gaps as count_purchase_gaps,
)

__version__: str
