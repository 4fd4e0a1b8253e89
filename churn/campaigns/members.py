"""Who is in a campaign: from the first published list that names them, and for good."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.errors import ConfigError, UsageError
from churn.schema import campaign_lists, campaign_members, campaigns
from churn.sqlfiles import read_sql


@dataclass(frozen=True)
class Terms:
    """By what the running campaign draws who is held out.

    Attributes
    ----------
    campaign : str
    seed : int
    holdout_share : float
        In [0, 1].
    note : str
        What to tell where they are not those of churn.toml; else empty.
    """

    campaign: str
    seed: int
    holdout_share: float
    note: str = ""


@dataclass(frozen=True)
class Membership:
    """On which side of a campaign a customer is, and since which night."""

    campaign_group: str
    entered: date


def campaign_terms(connection: Connection, settings: Settings) -> Terms:
    """Return the seed and holdout share of the configured campaign: those it began with, else the configured ones.

    Raises
    ------
    ConfigError
        The name is that of a campaign which was recorded from outside: its sides are not drawn here.
    """
    wanted = settings.retention
    found = connection.execute(sa.select(campaigns).where(campaigns.c.campaign == wanted.campaign)).first()
    if found is None:
        return Terms(wanted.campaign, wanted.seed, wanted.holdout_share)
    if found.kind != "list" or found.seed is None or found.holdout_share is None:
        raise ConfigError(
            f"retention.campaign is '{wanted.campaign}', which `churn campaign record` recorded as a campaign of its "
            "own: it has no seed to draw a holdout by.",
            "Give retention.campaign another name.",
        )
    note = ""
    if (found.seed, found.holdout_share) != (wanted.seed, wanted.holdout_share):
        note = (
            f"Campaign {found.campaign} keeps the seed {found.seed} and the holdout share {found.holdout_share:g} that "
            f"it began with on {found.started_as_of_date}, not the configured {wanted.seed} and "
            f"{wanted.holdout_share:g}: set a new retention.campaign to draw a new holdout."
        )
    return Terms(found.campaign, found.seed, found.holdout_share, note)


def memberships(connection: Connection, campaign: str, customer_keys: Iterable[int]) -> dict[int, Membership]:
    """Return, by key, the membership of those customers who are in the campaign already."""
    columns = (campaign_members.c.customer_key, campaign_members.c.campaign_group, campaign_members.c.as_of_date)
    known = sa.select(*columns).where(
        campaign_members.c.campaign == campaign,
        campaign_members.c.customer_key == sa.any_(sa.cast(list(customer_keys), sa.ARRAY(sa.BigInteger))),
    )
    return {key: Membership(group, entered) for key, group, entered in connection.execute(known)}


def refuse_replacing_sent(connection: Connection, as_of: date) -> None:
    """Refuse to replace a night's list that was sent already: what was done can't be taken back.

    Raises
    ------
    UsageError
        Contacts of whoever is on the list, or entered their campaign with it, are recorded.
    """
    contacts = connection.execute(read_sql("campaigns/sent_contacts.sql").statement, {"as_of": as_of}).scalar_one()
    if contacts:
        raise UsageError(
            f"The list of {as_of} was sent: {contacts:,} contacts are recorded.",
            "It stays; run without --replace-list.",
        )


def _is_rehearsal(connection: Connection, as_of: date, list_run_id: int) -> bool:
    """Tell whether nobody could act on a list: a later night was out already, or lists were not sent yet."""
    of_list = (campaign_lists.c.as_of_date == as_of, campaign_lists.c.run_id == list_run_id)
    return bool(connection.scalar(sa.select(sa.exists().where(*of_list, campaign_lists.c.is_rehearsal))))


def admit(connection: Connection, settings: Settings, as_of: date, list_run_id: int, *, at: datetime) -> int:
    """Take the customers of a list into its campaign, in the transaction that publishes the list; return how many.

    Who is in already stays as they entered. Where the night showed another list before (`--replace-list`), its members
    leave first; so do those who entered with a list before `retention.live_from`. A rehearsal admits nobody, and nobody
    leaves with it otherwise.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    settings : Settings
        Seed and holdout share for a campaign that begins with this list.
    as_of : date
        The list's night.
    list_run_id : int
        Run that froze the list.
    at : datetime
        When the campaign is said to have begun, if it begins.
    """
    if settings.retention.live_from is not None:
        unsent = read_sql("campaigns/leave_unsent.sql").statement
        connection.execute(unsent, {"live_from": settings.retention.live_from})
    if _is_rehearsal(connection, as_of, list_run_id):
        return 0
    keys = {"as_of": as_of, "list_run_id": list_run_id}
    terms = {"seed": settings.retention.seed, "holdout_share": settings.retention.holdout_share, "at": at}
    connection.execute(read_sql("campaigns/leave.sql").statement, keys)
    connection.execute(read_sql("campaigns/start.sql").statement, keys | terms)
    return int(connection.execute(read_sql("campaigns/admit.sql").statement, keys).rowcount)
