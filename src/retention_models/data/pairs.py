"""A customer at a store as one text, in the engine and of an answer."""

from __future__ import annotations

from ibis.expr.types import StringValue, Table


def of_store_and_customer(rows: Table) -> StringValue:
    """A customer at a store as one text: the length of the store's id tells the two apart again."""
    length = rows["store_id"].length().cast("string")
    return length.concat(":", rows["store_id"], rows["customer_id"])


def store_and_customer(text: StringValue) -> tuple[StringValue, StringValue]:
    """Store and customer of `of_store_and_customer`, in the engine."""
    colon = text.find(":")
    size = text.substr(0, colon).cast("int32")
    return text.substr(colon + 1, size), text.substr(colon + 1 + size)


def parted_in_memory(text: str) -> tuple[str, str]:
    """Store and customer of `of_store_and_customer`, of an answer.

    >>> parted_in_memory("3:1:2a")
    ('1:2', 'a')
    """
    size, _, rest = text.partition(":")
    return rest[: int(size)], rest[int(size) :]
