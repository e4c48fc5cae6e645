"""Secrets: where a database's password comes from, and how none gets into a file."""

from __future__ import annotations

import functools
import html
import json
import os
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

# Environment variables whose value is a secret, by how their names end.
_SECRET_NAME = re.compile(
    r"(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|SECRET_?KEY|CREDENTIALS?)$",
    re.IGNORECASE,
)
# Shorter values would be found in ordinary words.
_SHORTEST = 6
# As PostgreSQL's own library reads a URL. urllib refuses brackets that hold no address, which local[4]
# is to it, and so is the rest of a password with a bracket.
_LOGIN = re.compile(
    r"://(?P<user>[^:/@\s]*)(?::(?P<password>[^/\s]*))?@(?P<host>\[[^\]/]*\]|[^:/?#]*)"
)
_CONNECT_TOKEN = re.compile(r"(?i)(;token=)([^;&\s\"'\\]*)")  # of Spark Connect
KEYRING_SERVICE = "retention_models"
HIDDEN = "***"


def is_secret_name(name: str) -> bool:
    """Whether a parameter or variable of this name holds a secret.

    Examples
    --------
    >>> is_secret_name("db_password"), is_secret_name("token_count")
    (True, False)
    """
    return _SECRET_NAME.search(name) is not None


def without_password(url: str) -> str:
    """A URL for messages and manifests.

    Examples
    --------
    >>> without_password("postgresql://shop:secret@db.example/orders?password=secret")
    'postgresql://shop:***@db.example/orders?password=***'
    >>> without_password("sc://spark.example:15002/;token=secret;use_ssl=true")
    'sc://spark.example:15002/;token=***;use_ssl=true'
    """
    hidden = re.sub(r"(://[^:/@\s\"']*):[^@/\s\"']*@", r"\1:***@", url)
    hidden = _CONNECT_TOKEN.sub(r"\1***", hidden)
    return re.sub(r"(?i)(password=)[^&\s\"'\\]*", r"\1***", hidden)


def password_in(url: str) -> str | None:
    """The password, or the token of Spark Connect, that a URL holds, or None.

    Examples
    --------
    >>> password_in("postgresql://shop:secret@db.example/orders")
    'secret'
    >>> password_in("spark://local[4]") is None
    True
    """
    if "://" not in url:
        return None
    login = _LOGIN.search(url)
    if login is not None and login["password"]:
        return urllib.parse.unquote(login["password"])
    token = _CONNECT_TOKEN.search(url)
    if token is not None:
        return urllib.parse.unquote(token[2])
    asked = urllib.parse.parse_qs(url.partition("?")[2])
    return next(iter(asked.get("password", [])), None)


def keyring_password(url: str) -> str | None:
    """The password that the system's keyring has for a database, where there is one."""
    found = _LOGIN.search(url)
    if os.environ.get("PGPASSWORD") or password_in(url) or found is None:
        return None
    user, host = found["user"], found["host"].strip("[]").lower()
    if not (user and host):
        return None
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        return keyring.get_password(KEYRING_SERVICE, f"{user}@{host}")
    except KeyringError:
        return None  # no keyring on this computer, or a locked one: the server will ask


def known_secrets(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Value → where it is from, of every secret that this process knows."""
    variables = os.environ if environment is None else environment
    found = {}
    for name, value in variables.items():
        secret = password_in(value) if "://" in value else None
        if secret is None and is_secret_name(name):
            secret = value
        if secret is not None and len(secret) >= _SHORTEST:
            found[secret] = f"the environment variable {name}"
    return found


def secret_in(content: str, secrets: Mapping[str, str]) -> str | None:
    """Where the secret is from that a text holds, as it is or as HTML, JSON or a URL write it."""
    return next(
        (whence for secret, whence in secrets.items() if any(f in content for f in _forms(secret))),
        None,
    )


def redacted(content: str, secrets: Mapping[str, str] | None = None) -> str:
    """A text with every known secret, and every password in a URL, replaced by ***."""
    hidden = without_password(content)
    for secret in known_secrets() if secrets is None else secrets:
        for form in _forms(secret):
            hidden = hidden.replace(form, HIDDEN)
    return hidden


def redacted_tree(value: Any) -> Any:
    """A JSON value with texts redacted, and values under the name of a secret hidden."""
    if isinstance(value, dict):
        return {
            key: HIDDEN if is_secret_name(str(key)) and inside else redacted_tree(inside)
            for key, inside in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted_tree(inside) for inside in value]
    return redacted(value) if isinstance(value, str) else value


@functools.cache
def _forms(secret: str) -> tuple[str, ...]:
    forms = (
        secret,
        html.escape(secret),
        html.escape(secret, quote=False),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        urllib.parse.quote(secret, safe=""),
    )
    # Longer forms first: a form that is part of another would leave the rest of it.
    return tuple(sorted(set(forms), key=len, reverse=True))
