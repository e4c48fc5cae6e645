"""The table [execution] of the project file: what a notebook may use, and where it runs."""

from __future__ import annotations

from pydantic import Field

from retention_models.settings_types import Section, Text

_BYTES = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE = r"^\d+(\.\d+)? ?[KMGT]B$"


class ExecutionSettings(Section):
    """What a notebook may use, and where it runs."""

    time_limit: int = Field(
        600,
        gt=0,
        examples=[600],
        description="whole number of seconds that a notebook may take, above 0",
    )
    memory: str | None = Field(
        None,
        pattern=_SIZE,
        examples=["4GB"],
        description="most memory of a notebook, such as 4GB; its share of the machine without it",
    )
    output: str = Field(
        "10MB",
        pattern=_SIZE,
        examples=["10MB"],
        description="most output that is kept of a notebook, such as 10MB",
    )
    scheduler: Text | None = Field(
        None,
        examples=["tcp://10.0.0.5:8786"],
        description="address of a Dask scheduler whose workers run notebooks; this machine without it",
    )


def size(text: str) -> int:
    """Bytes of a size such as 4GB.

    Examples
    --------
    >>> size("1.5GB"), size("200 KB")
    (1500000000, 200000)
    """
    number, unit = text.rstrip("B").strip()[:-1], text.rstrip("B")[-1]
    return round(float(number) * _BYTES[unit])
