"""What every fitter publishes of its fit under lifetimes' names."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import SettingsError
from retention_models.languages import count, phrase
from retention_models.languages.results import Card
from retention_models.levels import Z95
from retention_models.models.fitters.saved import given_fit, read_content, read_fit, written
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.time_units import TimeUnit, days_in

Array = NDArray[np.float64]


def like(template: Any, values: Array) -> Any:
    """Results are as the input: a Series with its index, an array, or a number, as lifetimes' are."""
    if isinstance(template, pd.Series):
        return pd.Series(values, index=template.index)
    return values if np.ndim(values) else np.asarray(values)[()]


# In so many customers some never come back, wherever customers are counted from their first purchase.
_MANY = 100


def remarked(fit: MaximumLikelihoodFit, x: Array) -> MaximumLikelihoodFit:
    """The fit, with a remark where those who never came back seem to be missing from the data."""
    if fit.customers < _MANY or x.min() < 1:
        return fit
    message = phrase(
        "{message}; all of the {customers} customers have bought again: where those who bought once "
        "were left out, give them too, with frequency 0, or rates are too high",
        message=fit.message,
        customers=count(fit.customers),
    )
    return replace(fit, message=message)


class FittedModel:
    """A fit under lifetimes' names."""

    label: ClassVar[str]
    names: tuple[str, ...]
    time_unit_: TimeUnit | None = None
    observation_end_: str | None = None  # last day of the data, where they say it
    _given: dict[str, Any] | None = None

    def __init__(self, penalizer_coef: float = 0.0) -> None:
        if not (isinstance(penalizer_coef, int | float) and 0.0 <= penalizer_coef < np.inf):
            raise SettingsError(
                f"penalizer_coef: expected 0 or a number above; got {penalizer_coef!r}."
            )
        if penalizer_coef:
            warnings.warn(
                "penalizer_coef: the ridge here is on the logs of the parameters, so that it does not "
                "depend on units; lifetimes' is on the parameters themselves. A value chosen for "
                "lifetimes gives other estimates.",
                UserWarning,
                stacklevel=2,
            )
        self.penalizer_coef = penalizer_coef

    @property
    def fit_(self) -> MaximumLikelihoodFit:
        """Covariance, log-likelihood, AIC, BIC and verdict of the fit."""
        if "_found" not in self.__dict__:
            raise AttributeError("fit_")
        if not np.array_equal(self._params.to_numpy(), self._values):  # changed in place
            self.params_ = self._params
        return self._found

    @property
    def params_(self) -> pd.Series:
        """Parameters by name; set, a mapping or Series of all of them makes the model one of these."""
        if "_params" not in self.__dict__:
            raise AttributeError("params_")
        return self._params

    @params_.setter
    def params_(self, parameters: Mapping[str, float] | pd.Series) -> None:
        if getattr(self, "calendar_", None) is not None:
            raise SettingsError(
                "params_: a model with a calendar is restored by from_json, from what to_json gave."
            )
        self._given, self.observation_end_ = None, None  # what others were fitted to is not known
        self.__dict__.pop("covariate_effects_", None)
        self._publish(given_fit(self.names, parameters))

    @classmethod
    def from_parameters(
        cls,
        parameters: Mapping[str, float] | pd.Series,
        *,
        time_unit: TimeUnit | None = None,
        **context: Any,
    ) -> Self:
        """A model whose parameters are known, from a paper or a fit made elsewhere.

        Parameters
        ----------
        parameters : mapping or Series
            All of the model's parameters by name, each above 0.
        time_unit : {"D", "W", "M"}, optional
            Unit of time that they are in.
        **context
            What the model knows beside its parameters: ``k`` of a model of regular buyers,
            ``newcomers`` and ``observed`` of one of customers of before.

        Returns
        -------
        Self
            Its parameters count as known exactly: intervals hold chance alone, ``fit_.verdict`` is
            "given", and standard errors are NaN.

        Raises
        ------
        SettingsError
            If a parameter is missing, of another model, or not a finite number above 0.

        Examples
        --------
        CDNOW's, of Fader, Hardie & Lee (2005), in weeks:

        >>> from retention_models import BetaGeoFitter
        >>> published = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
        >>> model = BetaGeoFitter.from_parameters(published, time_unit="W")
        >>> round(float(model.conditional_probability_alive(2, 30.43, 38.86)[0]), 3)
        0.727
        """
        if time_unit is not None:
            days_in(time_unit)
        model = cls()
        try:
            model._take(dict(context))
        except SettingsError as error:
            raise SettingsError(str(error).removeprefix("text: ")) from None
        model.params_ = parameters
        model.time_unit_ = time_unit
        return model

    @classmethod
    def from_fit(
        cls,
        fit: MaximumLikelihoodFit,
        *,
        time_unit: TimeUnit | None = None,
        penalizer_coef: float = 0.0,
        observation_end: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Self:
        """Make a fitter of a fit found elsewhere, such as one shrunk towards a chain.

        Parameters
        ----------
        fit : MaximumLikelihoodFit
            With this model's parameters.
        time_unit : {"D", "W", "M"}, optional
            Unit of time of its data.
        penalizer_coef : float
            As in the constructor.
        observation_end : str, optional
            Last day of its data, such as "2024-12-31".
        context : mapping, optional
            What the model knows of its data beside the parameters, as `to_json` writes it.

        Returns
        -------
        Self

        Examples
        --------
        >>> import retention_models as rm
        >>> model = rm.BetaGeoFitter.from_parameters(
        ...     {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, time_unit="W")
        >>> rm.BetaGeoFitter.from_fit(model.fit_, time_unit="W").params_.to_dict()
        {'r': 0.243, 'alpha': 4.414, 'a': 0.793, 'b': 2.426}
        """
        fitter = cls()
        fitter.penalizer_coef = penalizer_coef
        fitter._take(dict(context or {}))
        if fit.names != fitter.names:
            raise SettingsError(
                f"fit: expected the parameters {', '.join(fitter.names)} of {cls.label}; got "
                f"{', '.join(fit.names)}."
            )
        fitter._publish(fit)
        fitter.time_unit_, fitter.observation_end_ = time_unit, observation_end
        return fitter

    @property
    def data(self) -> pd.DataFrame:
        """What was fitted: a row per input row, with its count as `weights`."""
        if self._given is None:
            raise SettingsError(
                f"{type(self).__name__}: data are kept by fit() only; a model that was loaded or made "
                "of a fit has none."
            )
        given = dict(self._given)
        index = given.pop("index")
        table = pd.DataFrame({name: np.asarray(column) for name, column in given.items()})
        if (table["frequency"] % 1 == 0).all():
            table["frequency"] = table["frequency"].astype(int)
        return table if index is None else table.set_index(pd.Index(index))

    def _keep(self, index: Any, **columns: Any) -> None:
        """Keep the input without copying it; pandas' copies are made only if a column is changed."""
        ends = [getattr(column, "attrs", {}).get("observation_end") for column in columns.values()]
        self.observation_end_ = next((end for end in ends if end is not None), None)
        first = next(iter(columns.values()))
        if index is None and isinstance(first, pd.Series):
            index = first.index
        self._given = {
            name: column.copy(deep=False)
            if isinstance(column, pd.Series)
            else np.array(column, dtype=float)
            for name, column in columns.items()
            if column is not None
        }
        if "weights" not in self._given:
            self._given["weights"] = 1.0
        self._given["index"] = index

    def _publish(self, fit: MaximumLikelihoodFit) -> None:
        names = list(fit.names)
        self._found = fit
        self.log_likelihood_ = fit.log_likelihood
        self._negative_log_likelihood_ = -fit.log_likelihood
        self._params = pd.Series(fit.parameters, index=names, copy=True)
        self._values = self._params.to_numpy(copy=True)
        unknown = np.nan if fit.verdict == "given" else 1.0
        covariance = fit.covariance * unknown
        self.variance_matrix_ = pd.DataFrame(covariance, index=names, columns=names)
        self.standard_errors_ = pd.Series(np.sqrt(np.diag(covariance)), index=names)
        # On the log scale, where the likelihood is closer to normal: bounds stay positive.
        half = Z95 * np.sqrt(np.diag(fit.log_covariance)) * unknown
        with np.errstate(over="ignore"):  # what the data leave wholly open has no upper bound
            upper = fit.parameters * np.exp(half)
        self.confidence_intervals_ = pd.DataFrame(
            {"lower 95% bound": fit.parameters * np.exp(-half), "upper 95% bound": upper},
            index=names,
        )

    def _context(self) -> dict[str, Any]:
        """What the model knows of its data beside the parameters; JSON can hold it."""
        return {}

    def _take(self, context: dict[str, Any]) -> None:
        """Become a model with the context that `_context` gave; refuses what is not one, by name."""
        if context:
            raise SettingsError(f"text: context: expected none for {self.label}; got {context!r}.")

    def _require_fit(self) -> Array:
        if not hasattr(self, "fit_"):
            raise SettingsError(f"{type(self).__name__}: call fit() before asking for predictions.")
        return self.fit_.parameters

    def __repr__(self) -> str:
        name = f"retention_models.{type(self).__name__}"
        if not hasattr(self, "fit_"):
            return f"<{name}: not fitted>"
        how = f"fitted with {self.fit_.customers:.0f} customers"
        if self.fit_.verdict == "given":
            how = "given parameters"
        values = ", ".join(f"{name}: {value:.4g}" for name, value in self.params_.items())
        return f"<{name}: {how}, {values}>"

    def _repr_html_(self) -> str:
        """Parameters with their intervals, and the verdict on the fit."""
        title = repr(self).partition(":")[0].strip("<>").rpartition(".")[2]
        if not hasattr(self, "fit_"):
            return Card(title, {"not fitted": "call fit()"}).html()
        fit = self.fit_
        facts = {
            "customers": count(fit.customers) if fit.customers else "",
            "unit of time": self.time_unit_ or "",
            "log-likelihood": "" if np.isnan(fit.log_likelihood) else f"{fit.log_likelihood:,.2f}",
            "verdict": f"{fit.verdict}: {fit.message}",
        }
        table = pd.DataFrame({"estimate": self.params_}).join(self.confidence_intervals_)
        return Card(f"{title} ({self.label})", facts, table).html()

    def to_json(self) -> str:
        """The fit as JSON text: parameters, covariance and verdict, no customer's data.

        Returns
        -------
        str
            For `from_json`.

        Examples
        --------
        >>> import retention_models as rm
        >>> model = rm.BetaGeoFitter.from_parameters(
        ...     {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, time_unit="W")
        >>> text = model.to_json()
        >>> rm.BetaGeoFitter.from_json(text).params_["r"]
        np.float64(0.243)
        """
        self._require_fit()
        content = written(
            *(self.fit_, self.label, self.penalizer_coef, self.time_unit_, self.observation_end_)
        )
        context = self._context()
        if context:
            content["context"] = context
        return json.dumps(content, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """A fitter from the text that `to_json` gave; nothing in it is run.

        Parameters
        ----------
        text : str

        Returns
        -------
        Self

        Raises
        ------
        SettingsError
            If the text is not such a fit, or one of another model.

        Examples
        --------
        >>> import retention_models as rm
        >>> model = rm.BetaGeoFitter.from_parameters(
        ...     {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, time_unit="W")
        >>> rm.BetaGeoFitter.from_json(model.to_json()).params_["alpha"]
        np.float64(4.414)
        """
        content = read_content(text)
        if content["model"] != cls.label:
            raise SettingsError(
                f"text: expected a fit of {cls.label}; got one of {content['model']}."
            )
        return cls.from_fit(
            read_fit(content),
            time_unit=content["time_unit"],
            penalizer_coef=content["penalizer_coef"],
            observation_end=content["observation_end"],
            context=content.get("context"),
        )

    def save_model(self, path: str | Path, **ignored: Any) -> None:
        """Write `to_json` to a file; lifetimes' options on what to save do not apply.

        Examples
        --------
        >>> import tempfile
        >>> import retention_models as rm
        >>> model = rm.BetaGeoFitter.from_parameters(
        ...     {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, time_unit="W")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save_model(f"{folder}/model.json")
        ...     saved = rm.BetaGeoFitter()
        ...     saved.load_model(f"{folder}/model.json")
        >>> saved.params_["a"]
        np.float64(0.793)
        """
        Path(path).write_text(self.to_json(), encoding="utf-8")

    def load_model(self, path: str | Path) -> None:
        """Become the model that `save_model` wrote.

        Examples
        --------
        >>> import tempfile
        >>> import retention_models as rm
        >>> model = rm.BetaGeoFitter.from_parameters(
        ...     {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, time_unit="W")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save_model(f"{folder}/model.json")
        ...     saved = rm.BetaGeoFitter()
        ...     saved.load_model(f"{folder}/model.json")
        >>> saved.time_unit_
        'W'
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise SettingsError(
                f"path: expected the JSON that save_model wrote; {Path(path).name} is no text. A model "
                "that lifetimes saved is a pickle, which may run code when it is loaded: fit the model "
                "anew to its data here, and save it with save_model."
            ) from None
        loaded = self.from_json(text)
        for name in ("_given", "covariate_effects_"):
            self.__dict__.pop(name, None)
        self.__dict__.update(loaded.__dict__)


_of_label: dict[str, Callable[[str], Any]] = {}


def register(fitter: type[FittedModel]) -> type[FittedModel]:
    """Let `from_json` know a fitter by its model's label."""
    _of_label[fitter.label] = fitter.from_json
    return fitter


def from_json(text: str) -> Any:
    """A fitter of whichever model from the text that its `to_json` gave; nothing in it is run.

    Parameters
    ----------
    text : str

    Returns
    -------
    BetaGeoFitter, ModifiedBetaGeoFitter, BetaGeoCNBDFitter, ModifiedBetaGeoCNBDFitter,
    ParetoNBDFitter or GammaGammaFitter

    Raises
    ------
    SettingsError
        If the text is not such a fit.

    Examples
    --------
    >>> import retention_models as rm
    >>> model = rm.BetaGeoFitter.from_parameters(
    ...     {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, time_unit="W")
    >>> type(from_json(model.to_json())).__name__
    'BetaGeoFitter'
    """
    label = read_content(text)["model"]
    if label not in _of_label:
        raise SettingsError(
            f"text: expected a fit of {', '.join(sorted(_of_label))}; got one of {label!r}."
        )
    return _of_label[label](text)
