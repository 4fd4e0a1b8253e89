"""Which campaign is meant: one that is there, or a new one that was drawn elsewhere; and one that was not meant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.engine import Connection

from churn.campaigns.sheets import Sheet
from churn.config import Settings
from churn.config.basics import Identifier
from churn.errors import DataContractError, UsageError
from churn.schema import (
    campaign_contacts,
    campaign_members,
    campaign_outcomes,
    campaign_recordings,
    campaign_results,
    campaigns,
)
from churn.sqlfiles import read_sql


@dataclass(frozen=True)
class Request:
    """What is to be recorded.

    Attributes
    ----------
    campaign : str
    today : date
        Nothing can have been sent after it.
    sent_on : date or None
        When those rows were sent that don't say so.
    entered_on : date or None
        When the customers entered a campaign that was drawn elsewhere, whatever the rows say.
    accept_refused : bool
        Record the good rows however many others are refused.
    drawn_elsewhere : bool
        Begin a campaign although nobody of the sheet was held out.
    """

    campaign: str
    today: date
    sent_on: date | None = None
    entered_on: date | None = None
    accept_refused: bool = False
    drawn_elsewhere: bool = False


def kind_of(connection: Connection, settings: Settings, sheet: Sheet, request: Request) -> tuple[str, bool]:
    """Return the campaign's kind, and whether it is there already.

    Raises
    ------
    UsageError
        There is no such campaign and the sheet draws none, or the options don't fit it.
    DataContractError
        The sheet doesn't say when it was sent.
    """
    kind = connection.scalar(sa.select(campaigns.c.kind).where(campaigns.c.campaign == request.campaign))
    if kind is None:
        _require_drawn(connection, settings, sheet, request)
    if kind == "list" and (request.entered_on is not None or request.drawn_elsewhere):
        raise UsageError(
            f"Campaign {request.campaign} is one of the nightly lists: its customers entered with their list.",
            f"Leave {'--drawn-elsewhere' if request.entered_on is None else '--as-of'} out.",
        )
    if kind == "list" and "sent" not in sheet.columns and request.sent_on is None:
        raise DataContractError(
            f"{sheet.source} does not say when it was sent.", "Add a column sent_date, or say --sent-on DATE."
        )
    return kind or "recorded", kind is not None


def _require_drawn(connection: Connection, settings: Settings, sheet: Sheet, request: Request) -> None:
    """Refuse a campaign that isn't there, unless the sheet says who was in which group."""
    if not _may_name(request.campaign):
        raise UsageError(
            f"{request.campaign!r} can't be the name of a campaign; there are "
            f"{', '.join(campaign_names(connection)) or 'none yet'}.",
            "Use lower-case letters, digits and underscores, at most 41, not starting with a digit.",
        )
    if request.campaign == settings.retention.campaign:
        raise UsageError(
            f"Campaign {request.campaign} has not begun: no night has published a list of it.", "Run `churn nightly`."
        )
    if "group" not in sheet.columns:
        raise unknown(
            connection,
            request,
            f"For a campaign that was drawn elsewhere, {sheet.source} needs a column campaign_group.",
        )


def unknown(connection: Connection, request: Request, otherwise: str) -> UsageError:
    """Return the refusal of a campaign that isn't there, with those that are and how to go on otherwise."""
    return UsageError(
        f"There is no campaign {request.campaign}; there are {', '.join(campaign_names(connection)) or 'none yet'}.",
        f"Name one of them. {otherwise}",
    )


def campaign_names(connection: Connection) -> list[str]:
    """Return the names of all campaigns, ordered."""
    return list(connection.scalars(sa.select(campaigns.c.campaign).order_by(campaigns.c.campaign)))


def require_same(connection: Connection, sheet: Sheet, request: Request) -> None:
    """Refuse a sheet whose rows, in `recording_rows`, name another campaign; its name is told where it can be one.

    Raises
    ------
    DataContractError
        They do.
    """
    statement = read_sql("campaigns/other_campaigns.sql").statement
    others = connection.execute(statement, {"campaign": request.campaign}).all()
    if not others:
        return
    name, rows, line = others[0]
    told, known = repr(name), campaign_names(connection)
    if name not in known and not _may_name(name):
        told = "one that no campaign here can have"
    raise DataContractError(
        f"{sheet.source} is not of campaign {request.campaign}: its column campaign says {told} in {rows:,} "
        f"{'row' if rows == 1 else 'rows'}, first in line {line}.",
        f"Say --campaign {name}." if name in known
        else "Give the sheet of that campaign, or leave the column campaign out if it means something else.",
    )  # fmt: skip


def _may_name(text: str) -> bool:
    try:
        TypeAdapter(Identifier).validate_python(text)
    except ValidationError:
        return False
    return True


@dataclass(frozen=True)
class Withdrawal:
    """What a withdrawn campaign leaves behind: nothing. Counts of what was deleted."""

    campaign: str
    members: int
    contacts: int
    recordings: int


def withdraw(connection: Connection, campaign: str) -> Withdrawal:
    """Delete a campaign that was recorded by mistake, with all that came of it, in the caller's transaction.

    Raises
    ------
    UsageError
        There is no such campaign, or it is one of the nightly lists.
    """
    kind = connection.scalar(sa.select(campaigns.c.kind).where(campaigns.c.campaign == campaign))
    if kind is None:
        names = ", ".join(campaign_names(connection)) or "none yet"
        raise UsageError(f"There is no campaign {campaign}; there are {names}.", "Name one of them.")
    if kind == "list":
        raise UsageError(
            f"Campaign {campaign} is one of the nightly lists: its lists were published, so it stays.",
            "Set another retention.campaign to begin a new one.",
        )
    deleted = {
        table.name: connection.execute(sa.delete(table).where(table.c.campaign == campaign)).rowcount
        for table in (
            campaign_results,
            campaign_outcomes,
            campaign_contacts,
            campaign_members,
            campaign_recordings,
            campaigns,
        )
    }
    return Withdrawal(
        campaign, deleted["campaign_members"], deleted["campaign_contacts"], deleted["campaign_recordings"]
    )
