"""Which model of purchases describes a store best? Fits, holdouts and verdicts side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import pandas as pd

from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import catalogue, clauses, decimals, listed, phrase, plural, share
from retention_models.languages.results import Card, Result
from retention_models.models.fitters import BetaGeoFitter, ParetoNBDFitter, PurchaseFitter
from retention_models.models.histories import count_histories
from retention_models.models.maximum_likelihood import at_boundary
from retention_models.models.nbd import fit_nbd
from retention_models.models.regular.regularity import regularity_test
from retention_models.models.seasons.calendar import Calendar
from retention_models.predictions.candidates import may_begin_in_mid_life
from retention_models.predictions.model_names import FLOOR, name_in_words, name_of
from retention_models.predictions.season import has_season, seasonal_model
from retention_models.predictions.validation.holdout import (
    HoldoutValidation,
    Model,
    fitted_to,
    fitter_of,
    gaps_of,
    validate_fit,
)
from retention_models.predictions.validation.tracking import weekly_tracking
from retention_models.summaries.customers import Day
from retention_models.summaries.holdout import HoldoutData, read_holdout
from retention_models.summaries.purchase_gaps import count_purchase_gaps

# Models whose AIC differs by less than 2 describe the data equally well; a model worse by more than 10
# has essentially no support. Burnham & Anderson (2002), "Model Selection and Multimodel Inference",
# 2nd edition, section 2.6.
NO_DIFFERENCE, CLEAR_DIFFERENCE = 2.0, 10.0
# Unless others are asked for.
COMPARED: tuple[Model, ...] = ("bg_nbd", "mbg_nbd", "pareto_nbd")


@dataclass(frozen=True, repr=False)
class ModelComparison(Result):
    """Models fitted to one calibration period and held against one holdout.

    Attributes
    ----------
    validations : dict
        Name of the model → `HoldoutValidation`, in the order asked for.
    floor : HoldoutValidation
        The NBD, the model in which nobody leaves: what modelling dropout wins over none.
    table : DataFrame
        A row per model, the floor last. parameters: estimates as text; free_parameters;
        log_likelihood, aic, bic, of the calibration period; delta_aic, over the lowest; expected and
        actual purchases of the holdout, total_error, expected over actual less one;
        absolute_error and squared_error, means per customer; covered, the share of customers whose
        count lay inside their 90% interval; pit, the share of its transform (`CountCalibration`),
        0.90 for a right model; verdict.
    recommended : str or None
        Name of the model to use; None where all failed.
    reason : str
        Which to use and how sure that is, in a sentence without its full stop.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(200, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> log = shop.log(until="2023-12-30")
    >>> ends = {"calibration_end": "2023-09-30", "holdout_end": "2023-12-30"}
    >>> found = rm.compare_models(log, **ends, models=("bg_nbd",))
    >>> found.table.index.tolist()
    ['BG/NBD', 'NBD, nobody leaves']
    """

    validations: dict[str, HoldoutValidation] = field(repr=False)
    floor: HoldoutValidation = field(repr=False)
    table: pd.DataFrame = field(repr=False)
    recommended: str | None
    reason: str

    _figure = "errors_of_models"

    def _card(self) -> Card:
        facts = {"to use": self.recommended or "none", "because": str(self.reason)}
        return Card(f"{len(self.validations)} models compared", facts, self.table)

    @property
    def chosen(self) -> HoldoutValidation:
        """Of the recommended model, or of the first where none is."""
        return self.validations[self.recommended or next(iter(self.validations))]


def compare_models(
    log: Transactions,
    *,
    store_id: str | None = None,
    calibration_end: Day,
    holdout_end: Day,
    time_unit: str = "W",
    models: Sequence[Model] | None = None,
    calendar: Calendar | None = None,
) -> ModelComparison:
    """Fit several models to the calibration period and hold each against the holdout.

    Parameters
    ----------
    log : Transactions
        A checked log.
    store_id : str, optional
        One store; all of them together unless given.
    calibration_end, holdout_end : date or str
        Last days of the two periods, both included.
    time_unit : {"D", "W", "M"}
        Scale of time.
    models : sequence of str or class, optional
        As `model` of `validate_holdout`; of those that describe the data equally well the first is
        recommended. BG/NBD, MBG/NBD and Pareto/NBD unless given; "mid_life" where the store may have
        had customers when its log began and still gains new ones; "mbg_cnbd" where its customers buy
        at regular intervals (`regularity_test`).
    calendar : Calendar, optional
        The store's days, up to the end of calibration or later. Every model that takes one is then
        compared under its season too, where the calibration period carries one.

    Returns
    -------
    ModelComparison

    Raises
    ------
    SettingsError
        If a parameter is not understood.
    CannotSay
        If the calibration period has no repeat purchase.

    Notes
    -----
    Recommended is, among the models that are not “do not use”, the first whose AIC is within 2 of
    their lowest. All likelihoods are densities of the same purchase times, so their AIC compare.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(200, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> log = shop.log(until="2023-12-30")
    >>> ends = {"calibration_end": "2023-09-30", "holdout_end": "2023-12-30"}
    >>> found = rm.compare_models(log, **ends, models=("bg_nbd",))
    >>> list(found.validations)
    ['BG/NBD']
    """
    asked = None if models is None else _fitters(models)
    data = read_holdout(
        log,
        store_id=store_id,
        calibration_end=calibration_end,
        holdout_end=holdout_end,
        time_unit=time_unit,
    )
    asked = asked or _fitters(_suited(log, data, store_id))
    fitted = {fitter.label: fitted_to(fitter, log, data, store_id) for fitter in asked}
    if calendar is not None:
        seasonal = _under_season(fitted.values(), log, data, store_id, calendar)
        fitted |= {name_of(each): each for each in seasonal}
    validations = {name: validate_fit(each, data) for name, each in fitted.items()}
    floor = validate_fit(_without_dropout(data), data)
    table = _table({**validations, FLOOR: floor})
    recommended, reason = _recommendation(table)
    return ModelComparison(validations, floor, table, recommended, reason)


def _suited(log: Transactions, data: HoldoutData, store_id: str | None) -> list[Model]:
    """The plain models, and those for what the data show."""
    models: list[Model] = [*COMPARED]
    if may_begin_in_mid_life(log, data.customers):
        models.append("mid_life")
    if _is_regular(log, data, store_id):
        models.append("mbg_cnbd")
    return models


def _is_regular(log: Transactions, data: HoldoutData, store_id: str | None) -> bool:
    try:
        test = regularity_test(
            data.customers["frequency"],
            data.customers["recency"],
            log_gaps=gaps_of(log, data, store_id),
        )
    except CannotSay:  # nobody came often enough to tell
        return False
    return test.regular


def _under_season(
    fitted: Iterable[PurchaseFitter],
    log: Transactions,
    data: HoldoutData,
    store_id: str | None,
    calendar: Calendar,
) -> list[PurchaseFitter]:
    """The models of a calibration period under its season, of those that follow one."""
    until = calendar.until(data.calibration_end)
    gaps = partial(
        count_purchase_gaps, log, store_id=store_id, observation_end=data.calibration_end
    )
    takes = [each for each in fitted if not isinstance(each, ParetoNBDFitter)]
    found = [seasonal_model(data.customers, until, each, gaps) for each in takes]
    return [each for each in found if has_season(each)]


def _fitters(models: Sequence[Model]) -> list[type[PurchaseFitter]]:
    fitters = [fitter_of(model) for model in models]
    if not fitters or len({fitter.label for fitter in fitters}) < len(fitters):
        raise SettingsError(f"models: expected at least one, each once; got {models!r}.")
    return fitters


def track_models(
    log: Transactions, comparison: ModelComparison, *, store_id: str | None = None
) -> dict[str, pd.DataFrame]:
    """Cumulative repeat purchases week by week, of every model compared.

    Parameters
    ----------
    log : Transactions
        A checked log.
    comparison : ModelComparison
        From `compare_models`, of the same store.
    store_id : str, optional
        One store; all of them together unless given.

    Returns
    -------
    dict
        Name of the model → table, see `weekly_tracking`.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(200, dt.date(2023, 1, 1), joining_days=200, seed=3)
    >>> log = shop.log(until="2023-12-30")
    >>> ends = {"calibration_end": "2023-09-30", "holdout_end": "2023-12-30"}
    >>> compared = rm.compare_models(log, **ends, models=("bg_nbd",))
    >>> list(rm.track_models(log, compared))
    ['BG/NBD']
    """
    return {
        name: weekly_tracking(log, validation, store_id=store_id)
        for name, validation in comparison.validations.items()
    }


def _without_dropout(data: HoldoutData) -> BetaGeoFitter:
    """The NBD as the BG/NBD in which nobody can leave."""
    x, t_x, T = (
        data.customers[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T")
    )
    stays = at_boundary(
        fit_nbd(count_histories(x, t_x, T)),
        BetaGeoFitter.names,
        {"a": 0.0, "b": 1.0},
        phrase("the model is the NBD, in which nobody leaves for good"),
    )
    return BetaGeoFitter.from_fit(stays, time_unit=data.customers.attrs["time_unit"])


def _table(validations: dict[str, HoldoutValidation]) -> pd.DataFrame:
    rows = {}
    for name, found in validations.items():
        fit = found.purchases.fit_
        estimates = zip(fit.names[: fit.free_parameters], fit.parameters, strict=False)
        rows[name] = {
            "parameters": ", ".join(f"{each} {value:.4g}" for each, value in estimates),
            "free_parameters": fit.free_parameters,
            "log_likelihood": fit.log_likelihood,
            "aic": fit.aic,
            "delta_aic": fit.aic,
            "bic": fit.bic,
            "expected": found.total.value,
            "actual": found.actual,
            "total_error": found.relative_error,
            "absolute_error": found.baselines.loc["model", "absolute_error"],
            "squared_error": found.baselines.loc["model", "squared_error"],
            "covered": found.counts.covered.value,
            "pit": found.counts.pit.value,
            "verdict": found.verdict,
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table["delta_aic"] -= table["aic"].min()
    table.index.name = "model"
    return table


_BETTER = catalogue(
    {
        "clearly": ("it describes the data clearly better than the {names} (AIC lower by {gap})"),
        "clearly.or more": (
            "it describes the data clearly better than the {names} (AIC lower by {gap} or more)"
        ),
        "somewhat": "it describes the data somewhat better than the {names} (AIC lower by {gap})",
        "somewhat.or more": (
            "it describes the data somewhat better than the {names} (AIC lower by {gap} or more)"
        ),
    }
)


def _recommendation(table: pd.DataFrame) -> tuple[str | None, str]:
    """The model to use, and how sure that is."""
    models = table.drop(index=FLOOR)
    usable = models.loc[models["verdict"] != "do not use", "aic"]
    if usable.empty:
        return None, phrase(
            "Use none of these models: each failed on the weeks that it had not seen, the best by {off} "
            "of what came",
            off=share(models["total_error"].abs().min()),
        )
    near = usable.loc[usable - usable.min() < NO_DIFFERENCE]
    name = str(near.index[0])
    sure = [
        phrase("Use the {name}", name=name_in_words(name)),
        *_against_others(name, usable, near),
    ]
    rejected = list(models.index[models["verdict"] == "do not use"])
    if rejected:
        sure.append(
            phrase(
                "the {names} failed on the weeks held out",
                names=listed(map(name_in_words, rejected)),
            )
        )
    won = table.loc[FLOOR, "aic"] - table.loc[name, "aic"]
    sure.append(
        phrase("that some leave for good cannot be seen in these data")
        if won < NO_DIFFERENCE
        else phrase(
            "without dropout (the NBD) the AIC would be worse by {gap}", gap=decimals(won, 1)
        )
    )
    return name, clauses(sure)


def _against_others(name: str, usable: pd.Series, near: pd.Series) -> Iterator[str]:
    equal = [str(other) for other in near.index[1:]]
    worse = usable.drop(index=near.index)
    if equal:
        yield plural(
            "the {names} describes the data as well (AIC within {apart}), so the choice does not matter "
            "to the data",
            "the {names} describe the data as well (AIC within {apart}), so the choice does not matter "
            "to the data",
            len(equal),
            names=listed(map(name_in_words, equal)),
            apart=decimals(max(near.max() - near.min(), 0.1), 1),
        )
    if not worse.empty:
        gap = float(worse.min() - usable[name])
        key = "clearly" if gap > CLEAR_DIFFERENCE else "somewhat"
        yield phrase(
            _BETTER[f"{key}.or more" if len(worse) > 1 else key],
            names=listed(name_in_words(str(other)) for other in worse.index),
            gap=decimals(gap, 1),
        )
