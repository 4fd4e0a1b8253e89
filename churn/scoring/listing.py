"""The night's list, frozen: each customer's side of the campaign, why they are on it, and what the list can show."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn import campaigns
from churn.campaigns import Terms
from churn.columns import write_columns
from churn.config import HOLD_OUT
from churn.publish import latest_published
from churn.retention import (
    HOLDOUT,
    BalanceRow,
    assign_arms,
    balance,
    detectable_effect,
    smallest_p,
    statement,
)
from churn.schema import campaign_balance, campaign_lists, list_exclusions
from churn.scoring.night import ScoredNight
from churn.scoring.offers import Offered, money
from churn.scoring.words import why_listed
from churn.sqlfiles import read_sql
from churn.warehouse import run_ddl

_MEMBERS = (
    "create temporary table list_members (customer_key bigint, priority_rank integer, campaign_group text, offer text, "
    "expected_net_value numeric, offer_cost numeric, save_rate double precision, why text, entered_as_of_date date) "
    "on commit drop"
)
REHEARSAL = (
    "The list of {as_of} is a rehearsal: the night of {latest} is out already, so nobody can act on it. Nobody enters "
    "the campaign with it, and it begins no cooldown."
)
NOT_LIVE = (
    "The list of {as_of} is a rehearsal: retention.live_from is {live_from}. Nobody enters the campaign with it, and "
    "it begins no cooldown."
)
NOBODY_LISTED = "Nobody is on this list."


@dataclass(frozen=True)
class _Listed:
    """Those on the list, in order, with their side of the campaign and the night they entered it.

    In a rehearsal nobody enters, and no entry is told.
    """

    offered: Offered
    is_holdout: NDArray[np.bool_]
    entered: NDArray[np.datetime64]
    is_rehearsal: bool

    def of(self, column: NDArray[Any]) -> NDArray[Any]:
        """Return a column of the candidates for those on the list."""
        return np.asarray(column[self.offered.listed])

    @property
    def groups(self) -> NDArray[np.object_]:
        return np.where(self.is_holdout, HOLDOUT, "treatment").astype(object)


@dataclass(frozen=True)
class _Members:
    """Everybody in the campaign with this list, by what they were when they entered, shape (m,) each."""

    segment: NDArray[np.object_]
    risk_band: NDArray[np.object_]
    is_holdout: NDArray[np.bool_]
    expected_churn_rate: float


def freeze_list(connection: Connection, night: ScoredNight, offered: Offered) -> None:
    """Write the night's list, with what it can show and how its holdout lies.

    The side of the campaign is drawn last, after suppression, capacity and choice of offer, for those who enter; who is
    in the campaign already keeps theirs. Where a later night is out already, the list is a rehearsal.

    Raises
    ------
    ConfigError
        The campaign is one that was recorded from outside.
    """
    terms = campaigns.campaign_terms(connection, night.settings)
    if terms.note:
        night.notes.append(terms.note)
    latest = latest_published(connection)
    is_late = latest is not None and latest.as_of > night.as_of
    live_from = night.settings.retention.live_from
    is_rehearsal = is_late or (live_from is not None and night.as_of < live_from)
    listed = _sides(connection, night.as_of, offered, terms, is_rehearsal=is_rehearsal)
    run_ddl(connection, _MEMBERS)
    write_columns(connection, "list_members", iter([_member_columns(night, listed)]))
    keys = {"as_of": night.as_of, "run_id": night.run_id}
    connection.execute(
        read_sql("scores/at_risk_list.sql").statement, keys | {"campaign": terms.campaign, "hold_out": HOLD_OUT}
    )
    members = _members(connection, night.as_of, terms, listed)
    dimensions = {"segment": members.segment.tolist(), "risk_band": members.risk_band.tolist()}
    rows = balance(dimensions, members.is_holdout, terms.holdout_share)
    stated = _stated(night.as_of, listed, members, rows)
    run = {"as_of_date": night.as_of, "run_id": night.run_id, "campaign": terms.campaign}
    connection.execute(sa.insert(campaign_lists), [run | _nulled(stated)])
    if rows:
        connection.execute(sa.insert(campaign_balance), [run | _nulled(vars(row)) for row in rows])
    night.notes.append(f"List of campaign {terms.campaign}: {stated['statement']}")
    if is_rehearsal and not is_late:
        night.notes.append(NOT_LIVE.format(as_of=night.as_of, live_from=live_from))
    if latest is not None and is_late:
        night.notes.append(REHEARSAL.format(as_of=night.as_of, latest=latest.as_of))


def list_limits(night: ScoredNight) -> dict[str, Any]:
    """Return what a list must keep to, by the names that `sql/checks` know it by."""
    retention = night.settings.retention
    return {
        "list_run_id": night.list_run_id,
        "list_size": retention.list_size,
        "budget": retention.budget,
        "minimum_value": retention.minimum_value,
        "capacities": json.dumps({offer.name: offer.capacity for offer in retention.all_offers if offer.capacity}),
        "cooldown_days": retention.cooldown_days,
        "horizon_days": night.settings.churn.horizon_days,
    }


def tell_exclusions(connection: Connection, night: ScoredNight) -> None:
    """Note how many customers are left alone tonight, and why."""
    found = sa.select(list_exclusions.c.list_status, list_exclusions.c.customers).where(
        list_exclusions.c.as_of_date == night.as_of, list_exclusions.c.run_id == night.run_id
    )
    ordered = found.order_by(list_exclusions.c.customers.desc(), list_exclusions.c.list_status)
    told = [f"{row.list_status} {row.customers:,}" for row in connection.execute(ordered)]
    if told:
        night.notes.append(f"Left alone tonight: {', '.join(told)}.")


def _sides(connection: Connection, as_of: date, offered: Offered, terms: Terms, *, is_rehearsal: bool) -> _Listed:
    keys = offered.listed_keys.tolist()
    known = campaigns.memberships(connection, terms.campaign, keys)
    drawn = assign_arms(
        offered.candidates.customer_ids[offered.listed].tolist(),
        seed=terms.seed,
        campaign=terms.campaign,
        holdout_share=terms.holdout_share,
    )
    groups = [known[key].campaign_group if key in known else str(arm) for key, arm in zip(keys, drawn, strict=True)]
    entered = [None if is_rehearsal else known[key].entered if key in known else as_of for key in keys]
    is_holdout = np.array([group == HOLDOUT for group in groups], dtype=np.bool_)
    return _Listed(offered, is_holdout, np.array(entered, dtype="datetime64[D]"), is_rehearsal)


def _member_columns(night: ScoredNight, listed: _Listed) -> dict[str, Any]:
    offered, candidates = listed.offered, listed.offered.candidates
    offer = np.array(offered.names, dtype=object)[listed.of(offered.offer)]
    net, cost, rate = listed.of(offered.net_value), listed.of(offered.cost), listed.of(offered.save_rate)
    told = zip(
        listed.of(candidates.churn_probability).tolist(),
        listed.of(candidates.value_at_risk).tolist(),
        listed.of(candidates.risk_score).tolist(),
        offer.tolist(),
        rate.tolist(),
        cost.tolist(),
        net.tolist(),
        listed.is_holdout.tolist(),
        strict=True,
    )
    currency = night.settings.business.currency
    return {
        "customer_key": offered.listed_keys,
        "priority_rank": np.arange(1, len(offered.listed) + 1, dtype=np.int32),
        "campaign_group": listed.groups,
        "offer": offer,
        "expected_net_value": money(net),
        "offer_cost": money(cost),
        "save_rate": rate,
        "why": np.array([why_listed(*each, currency=currency) for each in told], dtype=object),
        "entered_as_of_date": listed.entered,
    }


def _members(connection: Connection, as_of: date, terms: Terms, listed: _Listed) -> _Members:
    """Return everybody in the campaign: who entered before, and who enters with this list."""
    keys = {"as_of": as_of, "campaign": terms.campaign, "is_rehearsal": listed.is_rehearsal}
    before = connection.execute(
        read_sql("campaigns/members_before.sql").statement,
        keys,
    ).all()
    counts = [row.members for row in before]
    enters = listed.entered == np.datetime64(as_of)
    candidates = listed.offered.candidates
    p = listed.of(candidates.churn_probability)[enters]
    known = sum(row.predicted for row in before) + int(np.isfinite(p).sum())
    expected = sum(row.expected_churned for row in before) + float(np.nansum(p))

    def joined(name: str) -> NDArray[np.object_]:
        told = np.repeat(np.array([getattr(row, name) for row in before], dtype=object), counts)
        return np.concatenate([told, listed.of(candidates.attributes[name])[enters]])

    held = np.repeat(np.array([row.campaign_group == HOLDOUT for row in before], dtype=np.bool_), counts)
    return _Members(
        joined("segment"),
        joined("risk_band"),
        np.concatenate([held, listed.is_holdout[enters]]),
        expected / known if known else float("nan"),
    )


def _stated(as_of: date, listed: _Listed, members: _Members, rows: list[BalanceRow]) -> dict[str, Any]:
    """Return a row of `scores.campaign_lists`: the list's size and worth, and the smallest effect it could show."""
    holdout = int(listed.is_holdout.sum())
    treatment = len(listed.is_holdout) - holdout
    p, rates = listed.of(listed.offered.candidates.churn_probability), listed.of(listed.offered.save_rate)
    churn_rate = float(p.mean()) if len(p) else float("nan")
    save_rate = float(p @ rates / p.sum()) if len(p) and p.sum() > 0 else float("nan")
    effect = detectable_effect(treatment, holdout, churn_rate)
    held = int(members.is_holdout.sum())
    sums = np.array(
        [listed.of(listed.offered.cost).sum(), listed.of(listed.offered.net_value)[~listed.is_holdout].sum()]
    )
    cost, earned = money(sums)
    return {
        "listed": len(listed.is_holdout),
        "treatment": treatment,
        "holdout": holdout,
        "entering": int((listed.entered == np.datetime64(as_of)).sum()),
        "members_to_date": len(members.is_holdout),
        "expected_churn_rate": churn_rate,
        "expected_save_rate": save_rate,
        "detectable_effect": effect,
        "detectable_save_rate": effect / churn_rate,
        "detectable_effect_to_date": detectable_effect(
            len(members.is_holdout) - held, held, members.expected_churn_rate
        ),
        "planned_cost": cost,
        "expected_net_value": earned,
        "smallest_balance_p": smallest_p(rows),
        "statement": statement(treatment, holdout, churn_rate, save_rate) if len(p) else NOBODY_LISTED,
        "is_rehearsal": listed.is_rehearsal,
    }


def _nulled(values: dict[str, Any]) -> dict[str, Any]:
    """Return values with NaN as null."""
    return {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in values.items()}
