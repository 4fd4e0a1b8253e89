"""Who was forgotten: digests that recognise a customer id and, without the key, give none away.

A digest is HMAC-SHA-256 (RFC 2104, FIPS 198-1) of the id under a key that stays outside the warehouse and its log: it
is worked out here, never in SQL. Whoever has the warehouse alone can't try ids against it.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.errors import ConfigError
from churn.schema import tombstones

KEY_FILE = "forget.key"
SHORTEST_KEY = 32
_KEY_BYTES = 32
_OTHERS = 0o077
_MARK = b"churn: key of the forgotten"
_LONG_ENOUGH = 5
_LONG = 16
_BREAKS = re.compile(r"[\s,;:|/=()\[\]{}<>\"']+")
_STOPS = ".!?"


@dataclass(frozen=True)
class ForgetKey:
    """The key; never printed.

    Attributes
    ----------
    secret : bytes
    """

    secret: bytes = field(repr=False)

    def digest(self, customer_id: str) -> bytes:
        """Return the HMAC-SHA-256 of a customer id, 32 bytes."""
        return hmac.digest(self.secret, b"\x00" + customer_id.encode(), "sha256")

    @property
    def mark(self) -> bytes:
        """What tells this key from another one; of no customer."""
        return hmac.digest(self.secret, _MARK, "sha256")


@dataclass(frozen=True)
class Tombstones:
    """The customers that stay forgotten.

    Attributes
    ----------
    key : ForgetKey
    digests : frozenset of bytes
    """

    key: ForgetKey
    digests: frozenset[bytes]

    def forgotten(self, ids: Iterable[str]) -> list[str]:
        """Return those of some customer ids that were forgotten, in the order given."""
        return [customer_id for customer_id in ids if self.key.digest(customer_id) in self.digests]

    def naming(self, values: Iterable[str]) -> list[str]:
        """Return those of some values of attributes that are or hold the id of a forgotten customer."""
        return [value for value in values if self.forgotten(_possible_ids(value))]


def is_distinctive(text: str) -> bool:
    """Say whether a text that is some customer's id can be nothing else, wherever it stands as a word of its own."""
    has_letter = re.search(r"[^\W\d_]", text) is not None
    has_other = re.search(r"[\d@]", text) is not None
    return has_letter and ((has_other and len(text) >= _LONG_ENOUGH) or len(text) >= _LONG)


def is_telling(text: str) -> bool:
    """Say whether a whole value that equals some customer's id means them: `10427` and `C-7` do; `7` may be a tier."""
    return len(text) >= _LONG_ENOUGH or re.fullmatch(r"(?=.*[^\W\d_])(?=.*\d).*", text, re.DOTALL) is not None


def _possible_ids(value: str) -> Iterator[str]:
    """Return what within an attribute's value would name a customer."""
    for whole in {value, value.strip()}:
        if is_telling(whole):
            yield whole
    for word in _BREAKS.split(value):
        if is_distinctive(bare := word.rstrip(_STOPS)):
            yield bare


def load(connection: Connection, settings: Settings) -> Tombstones | None:
    """Return the tombstones of a warehouse, or None where nobody was forgotten.

    Raises
    ------
    ConfigError
        There are some, and their key is missing, unreadable or another: nobody could be kept out.
    """
    rows = connection.execute(sa.select(tombstones.c.digest, tombstones.c.key_mark)).all()
    if not rows:
        return None
    key = _read_key(settings)
    if key is None:
        raise ConfigError(
            f"Customers were forgotten, but the key that recognises them is not there ({_key_path(settings)}).",
            "Put the key file back, or give forget.key or forget.key_file; see docs/runbook.md.",
        )
    if {bytes(row.key_mark) for row in rows} != {key.mark}:
        raise ConfigError(
            f"Customers were forgotten under another key than that of {_where(settings)}.",
            "Put the key back that was there then; see docs/runbook.md.",
        )
    return Tombstones(key, frozenset(bytes(row.digest) for row in rows))


def key_for_forgetting(connection: Connection, settings: Settings) -> ForgetKey:
    """Return the key, made at first use in a file that only its owner may read.

    Raises
    ------
    ConfigError
        As `load`; or the file can't be made.
    """
    known = load(connection, settings)
    if known is not None:
        return known.key
    return _read_key(settings) or _made(_key_path(settings))


def _key_path(settings: Settings) -> Path:
    named = settings.forget.key_file
    return settings.home / KEY_FILE if named is None else settings.base_dir / named


def _where(settings: Settings) -> str:
    return "forget.key" if settings.forget.key is not None else str(_key_path(settings))


def _read_key(settings: Settings) -> ForgetKey | None:
    if settings.forget.key is not None:
        return _checked(settings.forget.key.get_secret_value(), "forget.key")
    path = _key_path(settings)
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(f"The key file {path} can't be read.", "Check its owner and its contents.") from error
    if mode & _OTHERS:
        raise ConfigError(f"Others may read the key file {path}.", f"Run `chmod 600 {path}`.")
    return _checked(text.strip(), str(path))


def _checked(text: str, where: str) -> ForgetKey:
    if len(text) < SHORTEST_KEY:
        raise ConfigError(
            f"The key of {where} is shorter than {SHORTEST_KEY} characters.",
            "Make one with `openssl rand -hex 32`; it can't be changed once a customer was forgotten.",
        )
    return ForgetKey(text.encode())


def _made(path: Path) -> ForgetKey:
    text = secrets.token_hex(_KEY_BYTES)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ConfigError(
            f"The key file {path} can't be made: {error.strerror or error}.", "Set forget.key or forget.key_file."
        ) from error
    return ForgetKey(text.encode())
