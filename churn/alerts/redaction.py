"""Taking secrets out of a text before it leaves the machine or is stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote, urlsplit

from pydantic import SecretStr

from churn.config import Settings
from churn.warehouse import HIDDEN, without_values

_SHORTEST = 4
# What stands before the @ of any address, and what follows a word that announces a secret.
_LOGIN = re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/@]*(?::[^\s@]*)?@", re.IGNORECASE)
_NAMED = re.compile(r"\b(password|passwd|pwd|passfile|secret|token|api_?key)(\s*[=:]\s*)('[^']*'|\"[^\"]*\"|[^\s,;&]+)",
                    re.IGNORECASE)  # fmt: skip
# A value that Postgres could not read, which may be a customer's.
_MISREAD = re.compile(r"invalid (?:input syntax|input value|byte sequence).*", re.DOTALL)


def redacted_text(text: str, settings: Settings) -> str:
    """Return a text without any secret of the configuration, and without the login of any address.

    Parameters
    ----------
    text : str
        Such as an error's message, which may quote an address with its password.
    settings : Settings
    """
    for secret in sorted(set(_secrets(settings)), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = _LOGIN.sub(rf"\1{HIDDEN}@", text)
    text = _NAMED.sub(rf"\1\2{HIDDEN}", text)
    return _MISREAD.sub(lambda found: without_values(found[0]), text)


def _secrets(settings: Settings) -> Iterator[str]:
    """Give every secret in each form in which it may be quoted: whole, its password, its path, encoded or not."""
    for value in _values(settings):
        parts = [value]
        if "://" in value:
            found = _split(value)
            parts += found
        for part in parts:
            yield from (form for form in {part, unquote(part), quote(part, safe="")} if len(form) >= _SHORTEST)


def _split(value: str) -> list[str]:
    try:
        address = urlsplit(value)
    except ValueError:
        return []
    parts = [address.password or ""]
    if address.scheme in ("http", "https"):
        parts += [address.path, address.query]
    return parts


def _values(settings: Settings) -> Iterator[str]:
    for name in type(settings).model_fields:
        section = getattr(settings, name)
        for key in getattr(type(section), "model_fields", {}):
            value = getattr(section, key)
            if isinstance(value, SecretStr):
                yield value.get_secret_value()
