"""What every fitter publishes of its fit under lifetimes' names, and its saving as JSON."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any, ClassVar, Self, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import SettingsError
from retention_models.languages import count, phrase
from retention_models.languages.results import Card
from retention_models.levels import Z95
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit, Verdict
from retention_models.time_units import TimeUnit, days_in

Array = NDArray[np.float64]

_FORMAT = "retention_models fit, version 1"
_NUMBERS = ("log_likelihood", "customers", "gradient_norm", "condition_number")
_LARGEST = 1e100  # its square times another is a number of the machine, too
_KINDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    list: "a list",
    type(None): "null",
}
_KEYS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("model", "verdict", "message"), (str,)),
    **dict.fromkeys(("names", "parameters", "log_covariance"), (list,)),
    **dict.fromkeys(_NUMBERS, (str, float, int)),
    **dict.fromkeys(("free_parameters", "iterations"), (int,)),
    "allowed": (list, type(None)),
    "posterior": (list, type(None)),
    "time_unit": (str, type(None)),
    "penalizer_coef": (float, int),
}


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
        self._given = None
        self.__dict__.pop("covariate_effects_", None)
        self._publish(_given_fit(self.names, parameters))

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
        context : mapping, optional
            What the model knows of its data beside the parameters, as `to_json` writes it.

        Returns
        -------
        Self
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
        fitter.time_unit_ = time_unit
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
        """
        self._require_fit()
        fit = self.fit_
        content = {
            "format": _FORMAT,
            "model": self.label,
            "penalizer_coef": self.penalizer_coef,
            "time_unit": self.time_unit_,
            "names": list(fit.names),
            "parameters": fit.parameters.tolist(),
            "log_covariance": fit.log_covariance.tolist(),
            # Text, since JSON has no infinity; repr keeps every digit.
            **{name: repr(float(getattr(fit, name))) for name in _NUMBERS},
            "free_parameters": fit.free_parameters,
            "iterations": fit.iterations,
            "verdict": fit.verdict,
            "message": fit.message,
            "allowed": None if fit.allowed is None else fit.allowed.tolist(),
            "posterior": None if fit.posterior is None else fit.posterior.tolist(),
        }
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
        """
        content = _content(text)
        if content["model"] != cls.label:
            raise SettingsError(
                f"text: expected a fit of {cls.label}; got one of {content['model']}."
            )
        allowed, posterior = content["allowed"], content["posterior"]
        fit = MaximumLikelihoodFit(
            names=tuple(content["names"]),
            parameters=_array(content, "parameters"),
            log_covariance=_array(content, "log_covariance"),
            **{name: _number(content, name) for name in _NUMBERS},
            free_parameters=content["free_parameters"],
            iterations=content["iterations"],
            verdict=content["verdict"],
            message=content["message"],
            allowed=None if allowed is None else _array(content, "allowed"),
            posterior=None if posterior is None else _array(content, "posterior"),
        )
        _check_numbers(fit, content["time_unit"], content["penalizer_coef"])
        return cls.from_fit(
            fit,
            time_unit=content["time_unit"],
            penalizer_coef=content["penalizer_coef"],
            context=content.get("context"),
        )

    def save_model(self, path: str | Path, **ignored: Any) -> None:
        """Write `to_json` to a file; lifetimes' options on what to save do not apply."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    def load_model(self, path: str | Path) -> None:
        """Become the model that `save_model` wrote."""
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


def _given_fit(
    names: tuple[str, ...], given: Mapping[str, float] | pd.Series
) -> MaximumLikelihoodFit:
    """Parameters known without data, checked, as a fit without doubt."""
    if not isinstance(given, Mapping | pd.Series):
        raise SettingsError(
            f"params_: expected {', '.join(names)} by name, in a mapping or a Series; got "
            f"{type(given).__name__}."
        )
    told = dict(given)
    lacking = [name for name in names if name not in told]
    foreign = [str(name) for name in told if name not in names]
    if lacking or foreign:
        raise SettingsError(
            f"params_: expected {', '.join(names)}"
            + (f"; {', '.join(lacking)} is missing" if lacking else "")
            + (f"; {', '.join(foreign)} is of another model" if foreign else "")
            + "."
        )
    for name in names:
        number = told[name]
        real = isinstance(number, Real) and not isinstance(number, bool)
        if not (real and 0.0 < number <= _LARGEST):
            raise SettingsError(
                f"params_: expected {name} to be a finite number above 0; got {number!r}."
            )
    return MaximumLikelihoodFit(
        names=names,
        parameters=np.array([float(told[name]) for name in names]),
        log_covariance=np.zeros((len(names), len(names))),
        log_likelihood=np.nan,
        customers=0.0,
        free_parameters=0,
        iterations=0,
        gradient_norm=0.0,
        condition_number=1.0,
        verdict="given",
        message=phrase("the parameters were given, so that nothing is known of their doubt"),
    )


def _check_numbers(fit: MaximumLikelihoodFit, time_unit: Any, penalty: Any) -> None:
    """Refuse, by name, what no fit gives; a parameter is 0 only at a boundary."""
    k, positive = len(fit.names), fit.verdict not in ("boundary", "not identified")
    if fit.parameters.shape != (k,) or fit.log_covariance.shape != (k, k):
        raise SettingsError(f"text: expected {k} parameters and their {k} by {k} log_covariance.")
    for name, value in zip(fit.names, fit.parameters, strict=True):
        if not (value <= _LARGEST and (value > 0 or (value == 0 and not positive))):
            raise SettingsError(
                f"text: parameters: expected {name} to be a finite number above 0; got {value:g}."
            )
    drawn = {"allowed": fit.allowed, "posterior": fit.posterior}
    given = {name: values for name, values in drawn.items() if values is not None}
    for name, values in {"log_covariance": fit.log_covariance, **given}.items():
        if not (np.abs(values) <= _LARGEST).all():
            raise SettingsError(f"text: {name}: expected finite numbers.")
    if (np.diag(fit.log_covariance) < 0).any():
        raise SettingsError("text: log_covariance: expected variances of 0 or more.")
    told = np.isfinite(fit.log_likelihood) or fit.verdict == "given"
    if not (told and 0 <= fit.customers < np.inf):
        raise SettingsError(
            "text: expected a finite log_likelihood and a number of customers; got "
            f"{fit.log_likelihood:g} and {fit.customers:g}."
        )
    if fit.verdict not in get_args(Verdict):
        raise SettingsError(
            f"text: verdict: expected one of {', '.join(get_args(Verdict))}; got {fit.verdict!r}."
        )
    if time_unit is not None:
        days_in(time_unit)
    if not 0 <= penalty < np.inf:
        raise SettingsError(f"text: penalizer_coef: expected 0 or more; got {penalty!r}.")


def _content(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"text: expected the JSON that to_json gave; {error}.") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise SettingsError(f"text: expected the JSON that to_json gave, “{_FORMAT}”.")
    content.setdefault("posterior", None)  # fits of before had none
    for name, kinds in _KEYS.items():
        if name not in content or type(content[name]) not in kinds:
            raise SettingsError(
                f"text: {name}: expected {' or '.join(_KINDS[kind] for kind in kinds)}, as to_json "
                f"wrote it; got {_KINDS.get(type(content.get(name)), 'something else')}."
            )
    if not all(type(name) is str for name in content["names"]):
        raise SettingsError("text: names: expected a list of texts.")
    return content


def _array(content: dict[str, Any], name: str) -> Array:
    """A list of numbers, or of such lists."""
    refusal = SettingsError(f"text: {name}: expected numbers, in rows of one length.")
    flat = content[name]
    while any(type(one) is list for one in flat):
        flat = [inside for one in flat for inside in (one if type(one) is list else [one])]
    if not all(type(one) in (int, float) for one in flat):
        raise refusal
    try:
        return np.array(content[name], dtype=float)
    except (ValueError, OverflowError):
        # Rows of unequal length, or a whole number that is no number of the machine.
        raise refusal from None


def _number(content: dict[str, Any], name: str) -> float:
    try:
        return float(content[name])
    except (ValueError, OverflowError):
        raise SettingsError(
            f"text: {name}: expected a number; got {str(content[name])[:40]!r}."
        ) from None


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
    """
    label = _content(text)["model"]
    if label not in _of_label:
        raise SettingsError(
            f"text: expected a fit of {', '.join(sorted(_of_label))}; got one of {label!r}."
        )
    return _of_label[label](text)
