"""The user's SELECTs: found, checked to be one SELECT each, and described by the source itself."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.errors import ChurnError, DataContractError
from churn.extract.contract import (
    ACCEPTED_TYPES,
    ENTITIES,
    LABELS,
    NUMBERS,
    REQUIRED_ENTITIES,
    SUGGESTED_CASTS,
    TIMES,
    Entity,
)
from churn.warehouse import sqlstate, translated

AttributeKind = Literal["category", "number"]

_OPAQUE = re.compile(
    r"""
    --[^\n]* | /\*.*?\*/ | \$(\w*)\$.*?\$\1\$ |
    \b[eE]'(?:[^'\\]|''|\\.)*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
    """,
    re.DOTALL | re.VERBOSE,
)
_FIRST_WORDS = ("select", "with", "values", "table")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,40}")
_USERS_FAULT = ("0A", "21", "22", "25006", "42", "P0")
_DATA_FAULT = "22"
_NOT_USERS_FAULT = "42501"


@dataclass(frozen=True)
class Mapping:
    """One entity's mapping file.

    Attributes
    ----------
    entity : Entity
    file : str
        Folder and name, as shown in messages.
    query : str
        The SELECT, without a closing semicolon.
    """

    entity: Entity
    file: str
    query: str

    def subquery(self, columns: tuple[str, ...]) -> sa.Subquery:
        """Return the SELECT as `(…) as entity`, with these columns of it to refer to."""
        escaped = re.sub(r":", r"\:", self.query)
        return sa.text(f"{escaped}\n").columns(*(sa.column(name) for name in columns)).subquery("entity")


@dataclass(frozen=True)
class MappedEntity:
    """An entity as the source delivers it.

    Attributes
    ----------
    mapping : Mapping
    types : dict of str to str
        Postgres type of each column, by name, in the SELECT's order; `enum` for enumerations.
    attributes : tuple of (str, {"category", "number"})
        The customer attributes among them, by name.
    """

    mapping: Mapping
    types: dict[str, str]
    attributes: tuple[tuple[str, AttributeKind], ...] = ()

    @property
    def name(self) -> str:
        """Name of the entity."""
        return self.mapping.entity.name

    def has(self, column: str) -> bool:
        """Say whether the mapping has a column."""
        return column in self.types

    def subquery(self) -> sa.Subquery:
        """Return the SELECT as `(…) as entity`."""
        return self.mapping.subquery(tuple(self.types))

    def digest(self, settings: Settings) -> str:
        """Return the SHA-256 of all that decides what a source row becomes: SELECT, types, time zones, currency.

        The currency where the mapping has one: after another `business.currency` every row is looked at again.
        """
        parts = [self.mapping.query, repr(self.types), settings.business.timezone, settings.source_timezone]
        if self.has("currency"):
            parts.append(settings.business.currency)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def load_mappings(settings: Settings) -> dict[str, Mapping]:
    """Read the mapping files there are, in the contract's order.

    Raises
    ------
    DataContractError
        A file that the churn definition requires is missing, or a file isn't one SELECT.
    """
    folder = settings.sql_dir
    found = {}
    for name, entity in ENTITIES.items():
        file = folder / f"{name}.sql"
        if file.is_file():
            found[name] = _read_mapping(entity, file)
        elif name in REQUIRED_ENTITIES[settings.churn.definition]:
            raise DataContractError(
                f'There is no mapping {file}, which churn.definition = "{settings.churn.definition}" requires.',
                "Write the files with `churn init` and fit them to your tables, or set source.sql_dir.",
            )
    return found


def _read_mapping(entity: Entity, file: Path) -> Mapping:
    shown = f"{file.parent.name}/{file.name}"
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataContractError(f"{shown} can't be read: {error}.", "Save it as UTF-8.") from None
    return Mapping(entity, shown, one_select(text, shown))


def one_select(text: str, shown: str) -> str:
    """Return the one SELECT of a mapping file, without a closing semicolon.

    Raises
    ------
    DataContractError
        The file is empty, holds several statements or another kind of statement.
    """
    skeleton = _OPAQUE.sub(lambda match: " " * len(match[0]), text)
    body, _, rest = skeleton.partition(";")
    words = re.findall(r"\w+", body)
    if not words:
        raise DataContractError(f"{shown} holds no statement.", "Write a SELECT there, or delete the file.")
    if rest.strip("; \t\r\n"):
        raise DataContractError(f"{shown} holds several statements.", "Leave one SELECT in it.")
    if words[0].lower() not in _FIRST_WORDS:
        raise DataContractError(
            f"{shown} begins with {words[0].upper()}.", "A mapping is one SELECT; nothing else is ever run."
        )
    return text[: len(body)].strip()


def describe(source: Connection, mapping: Mapping) -> MappedEntity:
    """Ask the source for the columns of a SELECT and hold them against the contract.

    Raises
    ------
    DataContractError
        The source doesn't accept the SELECT, or a column is missing, unknown, double or of a wrong type.
    """
    probe = f"select * from (\n{mapping.query}\n) as entity limit 0"  # noqa: S608 # nosec B608 # the user's own SELECT
    with blaming(mapping.file), translated("source"):
        result = source.exec_driver_sql(probe, execution_options={"no_parameters": True})
        description: Sequence[Any] = result.cursor.description or ()
        described = [(str(column[0]), int(column[1])) for column in description]
        names = _type_names(source, {oid for _, oid in described})
    _refuse_doubles(mapping, [name for name, _ in described])
    types = {name: names[oid] for name, oid in described}
    _refuse_missing(mapping, types)
    attributes = tuple(
        (name, _attribute_kind(mapping, name, kind))
        for name, kind in types.items()
        if not _is_contract_column(mapping, name, kind)
    )
    return MappedEntity(mapping, types, attributes)


@contextmanager
def blaming(file: str) -> Iterator[None]:
    """Turn a source error that the user's SELECT caused into a `DataContractError` that names its file."""
    try:
        yield
    except ChurnError as error:
        state = sqlstate(error)
        if not state.startswith(_USERS_FAULT) or state == _NOT_USERS_FAULT:
            raise
        message = error.message.removeprefix("The source database refused a statement: ")
        where = "; the source's log names the value" if state.startswith(_DATA_FAULT) else ""
        raise DataContractError(
            f"{file}: the source refuses the SELECT: {message}", f"Mend it in {file}{where}."
        ) from error


def _type_names(source: Connection, oids: set[int]) -> dict[int, str]:
    rows = source.execute(
        sa.text(
            "select cast(t.oid as bigint), t.typname, t.typtype from pg_catalog.pg_type as t where t.oid = any(:oids)"
        ),
        {"oids": sorted(oids)},
    )
    return {oid: "enum" if typtype == "e" else str(name) for oid, name, typtype in rows}


def _refuse_doubles(mapping: Mapping, names: list[str]) -> None:
    doubles = sorted(name for name, times in Counter(names).items() if times > 1)
    if doubles:
        raise DataContractError(
            f"{mapping.file} has {_listed(doubles)} more than once.", "Name every column once, without `*`."
        )


def _refuse_missing(mapping: Mapping, types: dict[str, str]) -> None:
    missing = [column.name for column in mapping.entity.columns if column.required and column.name not in types]
    if missing:
        raise DataContractError(
            f"{mapping.file} lacks {_listed(missing)}.",
            f"Add {'them' if len(missing) > 1 else 'it'} to the SELECT, as in: … as {missing[0]}.",
        )


def _is_contract_column(mapping: Mapping, name: str, kind: str) -> bool:
    column = mapping.entity.column(name)
    if column is None:
        if not mapping.entity.open_ended:
            near = difflib.get_close_matches(name, [known.name for known in mapping.entity.columns], 1)
            raise DataContractError(
                f"{mapping.file}: the contract knows no column {name} of {mapping.entity.name}"
                f"{f'; did you mean {near[0]}?' if near else '.'}",
                "Rename it or take it out of the SELECT.",
            )
        return False
    if kind not in ACCEPTED_TYPES[column.kind]:
        cast = SUGGESTED_CASTS[column.kind]
        raise DataContractError(
            f"{mapping.entity.name}.{name} is {kind}, which can't be read as {_spoken(column.kind)}.",
            f"Cast it in {mapping.file}: cast({name} as {cast}) as {name}.",
        )
    return True


def _attribute_kind(mapping: Mapping, name: str, kind: str) -> AttributeKind:
    if not _IDENTIFIER.fullmatch(name):
        raise DataContractError(
            f'{mapping.file}: "{name}" can\'t be the name of an attribute.',
            "Rename it: lower-case letters, digits and underscores, at most 41, not starting with a digit.",
        )
    if kind in NUMBERS:
        return "number"
    if kind in LABELS:
        return "category"
    mend = "an age in days or a category" if kind in TIMES else "text or a number"
    raise DataContractError(
        f"{mapping.file}: attribute {name} is {kind}, which is neither a category nor a number.",
        f"Turn it into {mend}, or take it out of the SELECT.",
    )


def _spoken(kind: str) -> str:
    return {"id": "an id", "time": "a time", "number": "a number", "boolean": "a boolean"}.get(kind, "a text")


def _listed(names: list[str]) -> str:
    return ", ".join(names)
