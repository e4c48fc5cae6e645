"""A fit as JSON, checked by name when it is read; and a fit whose parameters are given."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Mapping
from numbers import Real
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import SettingsError
from retention_models.languages import phrase
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
    "observation_end": (str, type(None)),
    "penalizer_coef": (float, int),
}


def written(
    fit: MaximumLikelihoodFit,
    label: str,
    penalizer_coef: float,
    time_unit: TimeUnit | None,
    observation_end: str | None,
) -> dict[str, Any]:
    """A fit of the model of that label, for JSON."""
    return {
        "format": _FORMAT,
        "model": label,
        "penalizer_coef": penalizer_coef,
        "time_unit": time_unit,
        "observation_end": observation_end,
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


def read_fit(content: dict[str, Any]) -> MaximumLikelihoodFit:
    """The fit that `written` was given, from what `read_content` read; checked."""
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
    _check_day(content["observation_end"])
    return fit


def given_fit(
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


def _check_day(told: str | None) -> None:
    if told is None:
        return
    with contextlib.suppress(ValueError):
        if told == dt.date.fromisoformat(told).isoformat():
            return
    raise SettingsError(
        f"text: observation_end: expected a day such as 2024-12-31, or null; got {told!r}."
    )


def read_content(text: str) -> dict[str, Any]:
    """What JSON text holds, each key of its kind."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"text: expected the JSON that to_json gave; {error}.") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise SettingsError(f"text: expected the JSON that to_json gave, “{_FORMAT}”.")
    for later in ("posterior", "observation_end"):
        content.setdefault(later, None)  # fits of before had none
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
