"""`bi.customer_features`: a column for every feature, by name, of the latest published night.

`sql/views/customer_features.sql` is the view without them. Columns keep their names, types and places for ever, since
dashboards bind to them; new features come last.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_fixed

from churn.config import Settings
from churn.errors import TransientError, WarehouseError
from churn.features.catalogue import FAMILIES, Feature, Kind, UsageEntry, describe
from churn.roles import grant_reading
from churn.schema import feature_sets
from churn.sqlfiles import SqlFile, read_sql
from churn.warehouse import Database, comment_on, quoted, run_ddl, sqlstate

VIEW = "customer_features"
LOCK_TIMEOUT = "5ms"
LOCK_TRIES = 40
LOCK_PAUSE_SECONDS = 0.05
MOST_COLUMNS = 1_600
_NAME_BYTES = 63
_TYPES: dict[Kind, str] = {"number": "real", "category": "text"}
_KINDS: dict[str, Kind] = {kind: name for name, kind in _TYPES.items()}
_ENTRY = re.compile(r"usage_(.+?)_(?:(\d+)d|trend_(\d+)d)")


@dataclass(frozen=True)
class FeatureColumn:
    """A column of the view after the fixed ones.

    Attributes
    ----------
    name : str
    kind : {"number", "category"}
    feature : str or None
        What it shows; None where no night that is kept had the feature.
    """

    name: str
    kind: Kind
    feature: str | None


def replace_feature_view(connection: Connection, entries: Sequence[UsageEntry] = ()) -> None:
    """Make the view, or add to it what the kept feature sets have and it lacks; then say what each column means.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Of the role that owns the view.
    entries : sequence of UsageEntry
        `[[features.usage]]` of the configuration; a feature of another entry keeps the meaning it was given.
    """
    columns = wanted_columns(_shown(connection), _kept_sets(connection))
    _create(connection, columns)
    _comment(connection, columns, entries)


def refresh_feature_view(warehouse: Database, settings: Settings) -> str | None:
    """Add the columns of new features after a night is published, and say what they mean; readers are not kept waiting.

    The view is taken for the milliseconds that replacing it takes, and only when nobody reads it; an attempt that meets
    a reader all the same gives up after `LOCK_TIMEOUT`, since others queue behind it. The next night tries again.

    Returns
    -------
    str or None
        A note, where the view could not be brought up to date: the night is published all the same.
    """
    try:
        _refresh(warehouse, settings)
    except (TransientError, WarehouseError) as error:
        if _is_taken(error):
            return f"bi.{VIEW} is being read, so it does not show the new features yet; the next night adds them."
        return f"bi.{VIEW} could not be brought up to date: {error}"
    return None


def _refresh(warehouse: Database, settings: Settings) -> None:
    with warehouse.begin() as connection:
        shown = _shown(connection)
        columns = wanted_columns(shown, _kept_sets(connection))
    if [column.name for column in columns] != list(shown)[len(_fixed()) :] or not shown:
        patience = Retrying(
            retry=retry_if_exception(_is_taken),
            stop=stop_after_attempt(LOCK_TRIES),
            wait=wait_fixed(LOCK_PAUSE_SECONDS),
            reraise=True,
        )
        patience(_replace, warehouse, settings, columns)
    with warehouse.begin() as connection:
        _comment(connection, columns, settings.features.usage)


def wanted_columns(
    shown: Mapping[str, str], sets: Iterable[tuple[Sequence[str], Sequence[str]]]
) -> tuple[FeatureColumn, ...]:
    """Say which columns come after the fixed ones: those shown, in place, then the features not shown yet.

    Parameters
    ----------
    shown : mapping of str to str
        Type of each column that the view has, in order; empty without a view.
    sets : iterable of (numbers, categories)
        Names of the features of each kept set, the oldest first.
    """
    fixed = _fixed()
    found = {name: FeatureColumn(name, _KINDS[kind], None) for name, kind in shown.items() if name not in fixed}
    for numbers, categories in sets:
        kinds: tuple[tuple[Kind, Sequence[str]], ...] = (("number", numbers), ("category", categories))
        for kind, features in kinds:
            for feature in features:
                _place(found, FeatureColumn(feature, kind, feature))
    return tuple(found.values())[:MOST_COLUMNS]


def _place(found: dict[str, FeatureColumn], wanted: FeatureColumn) -> None:
    """Give a feature its column: its name, or where that shows another kind of value, its name and kind."""
    for name in (_within_limit(wanted.name), _within_limit(f"{wanted.name}_{wanted.kind}")):
        there = found.get(name)
        is_free = there is None and name not in _fixed()
        if is_free or (there and there.kind == wanted.kind and there.feature in (None, wanted.feature)):
            found[name] = FeatureColumn(name, wanted.kind, wanted.feature)
            return


def _within_limit(name: str) -> str:
    """Shorten a name that Postgres would cut off, so that two that begin alike still differ."""
    if len(name.encode()) <= _NAME_BYTES:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return name.encode()[: _NAME_BYTES - 9].decode(errors="ignore") + f"_{digest}"


def view_query(file: SqlFile, columns: Sequence[FeatureColumn]) -> str:
    """Return the view's SELECT: the file's, with each feature's place and column put in."""
    places, values = [], []
    for number, column in enumerate(columns, start=1):
        kind, name = _TYPES[column.kind], quoted(column.name)
        if column.feature is None:
            values.append(f",\n    cast(null as {kind}) as {name}")
            continue
        literal = "'" + column.feature.replace("'", "''") + "'"
        array = "numbers" if column.kind == "number" else "categories"
        places.append(f",\n        array_position(l.{array}, {literal}) as place_{number}")
        value = f"f.{array}[l.place_{number}]"
        values.append(f",\n    {_nothing_for_nan(value) if column.kind == 'number' else value} as {name}")
    body = _put_before(file.body, "\n    from latest_nights as l\n", "".join(places))
    return _put_before(body, "\nfrom scores.feature_snapshots as f\n", "".join(values))


def _nothing_for_nan(value: str) -> str:
    return f"nullif({value}, cast('NaN' as real))"


def _put_before(body: str, marker: str, text: str) -> str:
    before, after = body.split(marker)
    return before + text + marker + after


def meanings(columns: Sequence[FeatureColumn], entries: Sequence[UsageEntry]) -> dict[str, str | None]:
    """Say what each column means, by its name; None where only the configuration could say, and no longer does."""
    attributes = {
        column.feature.removeprefix("attribute_"): column.kind
        for column in columns
        if column.feature and column.feature.startswith("attribute_")
    }
    known = {feature.name: feature for feature in describe(FAMILIES, entries, tuple(attributes.items()))}
    return {column.name: _meaning(known.get(column.feature or column.name)) for column in columns}


def _meaning(feature: Feature | None) -> str | None:
    if feature is None:
        return None
    unit = f" Unit: {feature.unit}." if feature.unit else ""
    return f"{feature.description}{unit} {'0' if feature.empty_is_zero else 'Null'} where nothing is known."


def _general_meaning(name: str) -> str:
    """Say what can be told of a feature whose entry the configuration no longer has."""
    entry = _ENTRY.fullmatch(name)
    if entry is None:
        return "A feature that is no longer computed."
    days = f"the last {entry[2]} days" if entry[2] else f"the last {entry[3]} days against the {entry[3]} before"
    return f"What the entry {entry[1]} of [[features.usage]] measures: {days}."


# --- the database -------------------------------------------------------------------------------------------------


def _fixed() -> list[str]:
    """Return the names of the columns that the view has without any feature."""
    header = read_sql(f"views/{VIEW}.sql").header
    return [key.removeprefix("column.") for key in header if key.startswith("column.")]


def _shown(connection: Connection) -> dict[str, str]:
    """Return the type of each column of the view as it is, in order."""
    found = connection.execute(
        sa.text(
            "select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) from pg_catalog.pg_attribute as a "
            "where a.attrelid = to_regclass(:view) and a.attnum > 0 order by a.attnum"
        ),
        {"view": f"bi.{VIEW}"},
    )
    return {row[0]: row[1] for row in found}


def _kept_sets(connection: Connection) -> list[tuple[list[str], list[str]]]:
    chosen = sa.select(feature_sets.c.numbers, feature_sets.c.categories).order_by(feature_sets.c.feature_set_id)
    return [(row.numbers, row.categories) for row in connection.execute(chosen)]


class _BeingReadError(TransientError):
    """Somebody reads the view; whoever came next would queue behind an attempt to take it."""


def _replace(warehouse: Database, settings: Settings, columns: Sequence[FeatureColumn]) -> None:
    with warehouse.begin() as connection:
        if _readers(connection):
            raise _BeingReadError(f"bi.{VIEW} is being read.", "Run the same command again.")
        run_ddl(connection, f"set local lock_timeout = '{LOCK_TIMEOUT}'")
        is_new = not _shown(connection)
        _create(connection, columns)
        if is_new:
            grant_reading(connection, settings.roles)


def _create(connection: Connection, columns: Sequence[FeatureColumn]) -> None:
    file = read_sql(f"views/{VIEW}.sql")
    run_ddl(connection, f"create or replace view bi.{VIEW} as {view_query(file, columns)}")


def _comment(connection: Connection, columns: Sequence[FeatureColumn], entries: Sequence[UsageEntry]) -> None:
    """Comment the view and its columns where that is not said yet; a comment stays where nothing better is known."""
    header = read_sql(f"views/{VIEW}.sql").header
    said = _comments(connection)
    if said.get("") != header["comment"]:
        comment_on(connection, f"view bi.{VIEW}", header["comment"])
    texts: dict[str, str | None] = {name: header[f"column.{name}"] for name in _fixed()}
    texts |= meanings(columns, entries)
    for name, text in texts.items():
        wanted = text or said.get(name) or _general_meaning(name)
        if said.get(name) != wanted:
            comment_on(connection, f"column bi.{VIEW}.{quoted(name)}", wanted)


def _comments(connection: Connection) -> dict[str, str]:
    """Return what is said of each column of the view; of the view itself under an empty name."""
    found = connection.execute(
        sa.text(
            "select coalesce(a.attname, '') as name, d.description from pg_catalog.pg_description as d "
            "left join pg_catalog.pg_attribute as a on d.objoid = a.attrelid and d.objsubid = a.attnum "
            "where d.classoid = cast('pg_class' as regclass) and d.objoid = to_regclass(:view)"
        ),
        {"view": f"bi.{VIEW}"},
    )
    return {row.name: row.description for row in found}


def _readers(connection: Connection) -> int:
    """Count the sessions that have the view in use."""
    held = sa.text(
        "select count(*) from pg_catalog.pg_locks as l where l.relation = to_regclass(:view) and l.granted "
        "and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())"
    )
    return int(connection.scalar(held, {"view": f"bi.{VIEW}"}) or 0)


def _is_taken(error: BaseException) -> bool:
    return isinstance(error, _BeingReadError) or sqlstate(error) == "55P03"
