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
    r"(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|"
    r"(API|ACCESS|SECRET|SIGNING|PRIVATE|ENCRYPTION|MASTER|AUTH|SERVICE|ACCOUNT|DEPLOY)_?KEY|_PEM)$",
    re.IGNORECASE,
)
# Shorter values would be found in ordinary words.
_SHORTEST = 6
# As PostgreSQL's own library reads a URL. urllib refuses brackets that hold no address, which local[4]
# is to it, and so is the rest of a password with a bracket.
_LOGIN = re.compile(
    r"://(?P<user>[^:/@\s]*)(?::(?P<password>[^/\s]*))?@(?P<host>\[[^\]/]*\]|[^:/?#]*)"
)
# A password with @ or / in it that should have been escaped; a port is none.
_LOOSE = re.compile(r"(://[^:/@\s]*):(?!\d+(?:/|$))(.*)@")
_CONNECT_TOKEN = re.compile(r"(?i)(;token=)([^;&\s\"'\\]*)")  # of Spark Connect
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?-----END [A-Z ]{0,30}PRIVATE KEY-----", re.DOTALL
)
KEYRING_SERVICE = "retention_models"
HIDDEN = "***"


def is_secret_name(name: str) -> bool:
    """Whether a parameter or variable of this name holds a secret."""
    return _SECRET_NAME.search(name) is not None


def without_password(url: str) -> str:
    """A URL for messages and manifests."""
    hidden = re.sub(r"(://[^:/@\s\"']*):[^@/\s\"']*@", r"\1:***@", url)
    hidden = _CONNECT_TOKEN.sub(r"\1***", hidden)
    return re.sub(r"(?i)(password=)[^&\s\"'\\]*", r"\1***", hidden)


def url_shown(url: str) -> str:
    """A URL for the refusal of it: all up to the last @ is hidden, however the password is written."""
    return without_password(_LOOSE.sub(r"\1:***@", url))


def password_in(url: str) -> str | None:
    """The password, or the token of Spark Connect, that a URL holds, or None."""
    if "://" not in url:
        return None
    login = _LOGIN.search(url)
    if login is not None and login["password"]:
        return urllib.parse.unquote(login["password"])
    loose = _LOOSE.search(url)
    if login is None and loose is not None:
        return loose[2]
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
        for part in _parts(value, secret):
            found[part] = f"the environment variable {name}"
    return found


def _parts(value: str, secret: str | None) -> list[str]:
    """A secret as it is, as it is written in a URL, and each long line of one that has several."""
    if secret is None:
        return []
    parts = [secret]
    login = _LOGIN.search(value)
    if login is not None and login["password"]:
        parts.append(login["password"])
    if "\n" in secret.strip():
        parts += [line.strip() for line in secret.splitlines() if not line.startswith("-----")]
    return [part for part in dict.fromkeys(parts) if len(part) >= _SHORTEST]


# What is a secret by its shape, whoever knows it; the rules of gitleaks for these.
_SHAPES = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"),
    "a key of AWS": re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    "a token of GitHub": re.compile(r"\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_\w{82})\b"),
    "a token of Slack": re.compile(r"\bxox[abeprs]-[0-9A-Za-z-]{10,}"),
    "a key of Stripe": re.compile(r"\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}"),
    "a key of Google": re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"),
    "a signed token (JWT)": re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    "a URL with a password": re.compile(r"\w://[^:/@\s\"'<>]*:(?!\*{3}@)[^@/\s\"'<>]{3,}@[\w.\[-]"),
}


# What stands in every such secret; to look for it costs next to nothing.
_MARKS = {
    "a private key": ("PRIVATE KEY-----",),
    "a key of AWS": ("AKIA", "ASIA"),
    "a token of GitHub": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    "a token of Slack": ("xox",),
    "a key of Stripe": ("k_live_", "k_test_"),
    "a key of Google": ("AIza",),
    "a signed token (JWT)": ("eyJ",),
    "a URL with a password": ("://",),
}


def secret_shape(content: str) -> str | None:
    """What kind of secret stands in a text, by its shape alone; None where there is none."""
    return next((kind for kind in _SHAPES if _has_shape(content, kind)), None)


def _has_shape(content: str, kind: str) -> bool:
    if not any(mark in content for mark in _MARKS[kind]):
        return False
    if _MARKS[kind] != ("://",):
        return _SHAPES[kind].search(content) is not None
    # It begins at the letter before its mark, where alone it is looked for.
    at = content.find("://")
    while at >= 0:
        if _SHAPES[kind].match(content, max(at - 1, 0)):
            return True
        at = content.find("://", at + 1)
    return False


def secret_in(content: str, secrets: Mapping[str, str]) -> str | None:
    """Where the secret is from that a text holds, as it is or as HTML, JSON or a URL write it."""
    return next(
        (whence for secret, whence in secrets.items() if any(f in content for f in _forms(secret))),
        None,
    )


def redacted(content: str, secrets: Mapping[str, str] | None = None) -> str:
    """A text with every known secret, and every password in a URL, replaced by ***."""
    hidden = _PRIVATE_KEY.sub(HIDDEN, without_password(content))
    for shape in _SHAPES.values():
        hidden = shape.sub(HIDDEN, hidden)
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
