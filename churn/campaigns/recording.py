"""What was really sent: rows of a sheet into a campaign's contacts, and members of a campaign drawn elsewhere."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.campaigns.naming import Request, kind_of, require_same, unknown
from churn.campaigns.sheets import COLUMNS, Sheet
from churn.config import Settings
from churn.errors import DataContractError, UsageError
from churn.schema import campaign_recordings, campaigns
from churn.sqlfiles import read_sql
from churn.warehouse import copy_in, copy_out, literal_sql, quoted, run_ddl

MAX_REFUSED_SHARE = 0.05
"""With more of its rows refused than this a sheet is taken for the wrong one."""

_TOLD_REASONS = 6
_COLUMNS_OF = sa.text(
    "select a.attname from pg_catalog.pg_attribute as a "
    "where a.attrelid = to_regclass(:target) and a.attnum > 0 and not a.attisdropped order by a.attnum"
)
_TABLES = {
    "recording_rows": "line bigint, customer_id text, sent_date date, offer text, channel text, cost numeric, "
    "campaign_group text, entered_date date, is_left_alone boolean, campaign text, reason text",
    "checked_rows": "line bigint, customer_id text, customer_key bigint, sent_date date, offer text, channel text, "
    "cost numeric, campaign_group text, entered_date date, is_new boolean, reason text",
}


@dataclass(frozen=True)
class Refusal:
    """Rows that can't be taken, for one reason; samples have line and, of customers, customer_id."""

    reason: str
    rows: int
    samples: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Recording:
    """What came of it; rows_read = rows_used + rows_known + rows_refused.

    Attributes
    ----------
    recording_id : int
    campaign, kind : str
        `list`: of a nightly list; `recorded`: drawn elsewhere.
    rows_read, rows_used, rows_known, rows_refused : int
        Known: added nothing, since it was there already or was left alone as planned.
    members, contacts : int
        Added.
    contacted_holdout : int
        Customers held out whom the sheet says were contacted.
    refusals : tuple of Refusal
        The most frequent first.
    """

    recording_id: int
    campaign: str
    kind: str
    rows_read: int
    rows_used: int
    rows_known: int
    rows_refused: int
    members: int
    contacts: int
    contacted_holdout: int
    refusals: tuple[Refusal, ...]


def record(
    connection: Connection, settings: Settings, sheet: Sheet, request: Request, run_id: int, *, at: datetime
) -> Recording:
    """Take a sheet into a campaign, in the caller's transaction: the same sheet twice adds nothing.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In a transaction; temporary tables are made.
    settings : Settings
    sheet : Sheet
    request : Request
    run_id : int
    at : datetime
        The current time.

    Raises
    ------
    UsageError
        There is no such campaign and the sheet draws none, or the options don't fit the campaign.
    DataContractError
        The sheet can't be read, names another campaign, has no usable row, or more than `MAX_REFUSED_SHARE` of its
        rows are refused.
    """
    kind, is_there = kind_of(connection, settings, sheet, request)
    rows_read = _load(connection, sheet)
    require_same(connection, sheet, request)
    values = {
        "campaign": request.campaign,
        "is_list": kind == "list",
        "sent_on": request.sent_on,
        "entered_on": request.entered_on,
        "today": request.today,
    }
    connection.execute(read_sql("campaigns/check_recording.sql").statement, values)
    refusals = _refusals(connection)
    _require_enough(sheet, rows_read, refusals, request)
    counts = connection.execute(read_sql("campaigns/recording_counts.sql").statement).mappings().one()
    if not is_there and not counts["holdout_rows"] and not request.drawn_elsewhere:
        raise unknown(
            connection,
            request,
            f"{sheet.source} holds nobody out, as the export of a nightly list does. Only if it is a campaign that was "
            "drawn elsewhere, without a holdout, say --drawn-elsewhere.",
        )
    rows = {
        "rows_read": rows_read,
        "rows_used": counts["rows_used"],
        "rows_known": counts["rows_known"],
        "rows_refused": sum(refusal.rows for refusal in refusals),
    }
    recording_id = _keep(connection, sheet, request, rows, refusals, run_id, at)
    keys = {"campaign": request.campaign, "recording_id": recording_id}
    if not is_there:
        _begin(connection, request.campaign, counts["first_entered_date"], run_id, at)
    members = 0
    if kind == "recorded":
        members = connection.execute(read_sql("campaigns/record_members.sql").statement, keys).rowcount
    contacts = connection.execute(read_sql("campaigns/record_contacts.sql").statement, keys).rowcount
    return Recording(
        recording_id, request.campaign, kind, **rows, members=members, contacts=contacts,
        contacted_holdout=counts["contacted_holdout"], refusals=tuple(refusals),
    )  # fmt: skip


def table_chunks(reader: Connection, name: str) -> Iterator[bytes]:
    """Stream a table of the warehouse as CSV with a header, for `open_sheet`.

    Parameters
    ----------
    reader : sqlalchemy.Connection
        Used for nothing else until the stream ends.
    name : str
        `schema.table`; quoted here.

    Raises
    ------
    UsageError
        It isn't written so, or there is no such table that this login may read.
    """
    parts = name.split(".")
    if len(parts) != 2 or not all(parts):
        raise UsageError(f"{name!r} is not the name of a table.", "Write it as SCHEMA.TABLE.")
    schema, table = (sa.quoted_name(part, quote=True) for part in parts)
    columns = reader.scalars(_COLUMNS_OF, {"target": ".".join(quoted(part) for part in parts)}).all()
    if not columns:
        raise UsageError(f"There is no table {name} in the warehouse.", "Write its name as SCHEMA.TABLE, as it is.")
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(columns)  # so that either of them in a name is quoted
    yield out.getvalue().removesuffix("\r\n").encode() + b"\n"
    named: list[sa.ColumnElement[Any]] = [sa.column(sa.quoted_name(column, quote=True)) for column in columns]
    listed: sa.Select[Any] = sa.select().add_columns(*named).select_from(sa.table(table, schema=schema))
    yield from copy_out(reader, literal_sql(listed))


# --- steps --------------------------------------------------------------------------------------------------------


def _load(connection: Connection, sheet: Sheet) -> int:
    """Put the sheet's rows into the temporary table `recording_rows`; return how many."""
    for table, columns in _TABLES.items():
        run_ddl(connection, f"drop table if exists pg_temp.{table}")
        run_ddl(connection, f"create temporary table {table} ({columns}) on commit drop")
    copy_in(connection, "recording_rows", COLUMNS, sheet.batches())
    sheet.require_whole()
    run_ddl(connection, "analyze pg_temp.recording_rows")
    return sheet.rows_read


def _refusals(connection: Connection) -> list[Refusal]:
    found = connection.execute(read_sql("campaigns/refused_rows.sql").statement)
    return [Refusal(row.reason, row.refused, tuple(row.samples)) for row in found]


def _require_enough(sheet: Sheet, rows_read: int, refusals: list[Refusal], request: Request) -> None:
    refused = sum(refusal.rows for refusal in refusals)
    if rows_read == 0:
        raise DataContractError(f"{sheet.source} has no rows.", "Give the file that says what was sent.")
    if refused == rows_read or (refused > MAX_REFUSED_SHARE * rows_read and not request.accept_refused):
        raise DataContractError(
            f"{refused:,} of {rows_read:,} rows of {sheet.source} are refused, so nothing was recorded: "
            f"{refusal_text(refusals)}.",
            "Mend them" + ("." if refused == rows_read else ", or record the others with --accept-refused."),
        )


def refusal_text(refusals: list[Refusal] | tuple[Refusal, ...]) -> str:
    """Say why rows were refused, with the first lines of each reason."""
    told = [
        f"{refusal.reason} ({refusal.rows:,}: line {', '.join(str(sample['line']) for sample in refusal.samples)}"
        f"{', …' if refusal.rows > len(refusal.samples) else ''})"
        for refusal in refusals[:_TOLD_REASONS]
    ]
    return "; ".join(told)


def _keep(
    connection: Connection, sheet: Sheet, request: Request, rows: dict[str, int], refusals: list[Refusal],
    run_id: int, at: datetime,
) -> int:  # fmt: skip
    statement = sa.insert(campaign_recordings).values(
        campaign=request.campaign,
        source=sheet.source,
        sha256=sheet.sha256,
        **rows,
        refused={refusal.reason: {"rows": refusal.rows, "samples": list(refusal.samples)} for refusal in refusals},
        at=at,
        run_id=run_id,
    )
    return int(connection.execute(statement.returning(campaign_recordings.c.recording_id)).scalar_one())


def _begin(connection: Connection, campaign: str, started: date, run_id: int, at: datetime) -> None:
    values = {"campaign": campaign, "kind": "recorded", "started_as_of_date": started, "created_at": at}
    connection.execute(sa.insert(campaigns).values(**values, run_id=run_id))
