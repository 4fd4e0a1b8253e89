"""Which offer the night would make to whom: who may be contacted, what each offer is worth, what is chosen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.engine import Connection

from churn import campaigns
from churn.columns import read_texts, write_columns
from churn.config import Offer
from churn.retention import choose, eligible, expected_net_value
from churn.retention.choice import LISTED
from churn.scoring.night import ScoredNight
from churn.scoring.reasons import explain
from churn.scoring.words import unsuited_notes
from churn.sqlfiles import read_sql
from churn.warehouse import literal_sql

LIST_FROZEN = "list frozen"
"""Would be listed if the night's list were not frozen already."""

_KINDS: dict[str, type] = {
    "customer_key": np.int64,
    "customer_id": str,
    "risk_score": np.float64,
    "churn_probability": np.float64,
    "value_at_risk": np.float64,
    "segment": str,
    "value_tier": str,
    "plan": str,
    "lifecycle_stage": str,
    "risk_band": str,
    "suppression": str,
}
_DRIVERS = ("driver_1", "driver_2", "driver_3")
_CONDITIONS = ("segment", "value_tier", "plan", "lifecycle_stage", "risk_band")


@dataclass(frozen=True)
class Candidates:
    """Everybody scored, ordered by key.

    Attributes
    ----------
    customer_keys : ndarray of int64, shape (n,)
    customer_ids : ndarray of object, shape (n,)
    risk_score, churn_probability, value_at_risk : ndarray of float64, shape (n,)
        NaN where unknown.
    attributes : dict of str to ndarray of object, shape (n,)
        What offers may be limited by, drivers apart; None where unknown.
    suppression : ndarray of object, shape (n,)
        Why the customer must be left alone, or None.
    """

    customer_keys: NDArray[np.int64]
    customer_ids: NDArray[np.object_]
    risk_score: NDArray[np.float64]
    churn_probability: NDArray[np.float64]
    value_at_risk: NDArray[np.float64]
    attributes: dict[str, NDArray[np.object_]]
    suppression: NDArray[np.object_]

    @property
    def is_free(self) -> NDArray[np.bool_]:
        """Who may be contacted."""
        return np.array([each is None for each in self.suppression], dtype=np.bool_)


@dataclass(frozen=True)
class Offered:
    """What becomes of each candidate tonight.

    Attributes
    ----------
    candidates : Candidates
    names : tuple of str
        The offers.
    status : ndarray of object, shape (n,)
        `listed`, why not, or empty where no offer is known to pay.
    offer : ndarray of int64, shape (n,)
        Place of the offer chosen, or of the best one; -1 where none pays.
    net_value, cost, save_rate : ndarray of float64, shape (n,)
        Of that offer; NaN where there is none.
    listed : ndarray of intp, shape (k,)
        Places of those on the list, the first to contact first.
    """

    candidates: Candidates
    names: tuple[str, ...]
    status: NDArray[np.object_]
    offer: NDArray[np.int64]
    net_value: NDArray[np.float64]
    cost: NDArray[np.float64]
    save_rate: NDArray[np.float64]
    listed: NDArray[np.intp]

    @property
    def listed_keys(self) -> NDArray[np.int64]:
        """Keys of those on the list, the first to contact first."""
        return self.candidates.customer_keys[self.listed]


@dataclass(frozen=True)
class _Worth:
    """What each offer is expected to earn with each candidate, whatever drives them; -inf where it must not be made."""

    net_value: NDArray[np.float64]
    save_rates: NDArray[np.float64]


def decide(connection: Connection, night: ScoredNight, frozen: NDArray[np.int64]) -> Offered:
    """Choose the night's list, and give the reasons of those who are or could be on it.

    Where an offer asks for a driver, reasons come first: they say what drives a customer. They are given to those for
    whom the best offer would be worth most if it might be made, half of `reasons.max_rows` of them or `list_size`;
    for others no driver is known, so no offer that asks for one is made to them.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        In the transaction that wrote the night's scores and segments.
    night : ScoredNight
    frozen : ndarray of int64
        Keys of the customers on a list that the night keeps: they keep their places in it whatever became known since,
        and their reasons are given too.
    """
    retention = night.settings.retention
    offers = retention.all_offers
    candidates = _kept(_read_candidates(connection, night), frozen)
    drivers = np.full((len(candidates.customer_keys), len(_DRIVERS)), None, dtype=object)
    worth = _worth(connection, night, candidates)
    if any("driver" in offer.when for offer in offers):
        explain(connection, night, _union(_hopeful(night, candidates, worth), frozen))
        drivers = _read_drivers(connection, night, candidates)
        night.notes.extend(unsuited_notes(offers, candidates.attributes, drivers))
        return _choose(night, candidates, _allowed(offers, candidates, drivers, worth))
    night.notes.extend(unsuited_notes(offers, candidates.attributes, drivers))
    offered = _choose(night, candidates, _allowed(offers, candidates, drivers, worth))
    explain(connection, night, _union(offered.listed_keys, frozen))
    return offered


def store_offers(connection: Connection, night: ScoredNight, offered: Offered) -> None:
    """Keep what was decided of each customer, and count those left alone; the list must be frozen by now."""
    keys = {"as_of": night.as_of, "run_id": night.run_id}
    listed = connection.execute(
        read_sql("scores/listed_offers.sql").statement, keys | {"list_run_id": night.list_run_id}
    ).scalars()
    is_shown = np.isin(offered.candidates.customer_keys, np.array(listed.all(), dtype=np.int64))
    status = np.where((offered.status == LISTED) & ~is_shown, LIST_FROZEN, offered.status)
    kept = np.flatnonzero((status != "") & ~is_shown)
    if len(kept):
        chosen = {
            "customer_key": offered.candidates.customer_keys[kept],
            "list_status": status[kept],
            "offer": _names(offered, kept),
            "expected_net_value": money(offered.net_value[kept]),
            "offer_cost": money(offered.cost[kept]),
            "save_rate": offered.save_rate[kept],
        }
        run = {"as_of_date": [night.as_of] * len(kept), "run_id": [night.run_id] * len(kept)}
        write_columns(connection, "scores.customer_offers", iter([run | chosen]))
    connection.execute(read_sql("scores/list_exclusions.sql").statement, keys)


def _names(offered: Offered, places: NDArray[np.intp]) -> NDArray[np.object_]:
    """Return the name of each one's offer, or None."""
    named = np.array([*offered.names, None], dtype=object)
    return np.asarray(named[offered.offer[places]], dtype=object)


def _read_candidates(connection: Connection, night: ScoredNight) -> Candidates:
    settings = night.settings
    query = literal_sql(
        read_sql("scores/list_candidates.sql").statement,
        as_of=night.as_of,
        run_id=night.run_id,
        campaign=settings.retention.campaign,
        cooldown_days=settings.retention.cooldown_days,
        horizon_days=settings.churn.horizon_days,
    )
    numbers, texts = read_texts(connection, query, _KINDS)
    return Candidates(
        numbers["customer_key"],
        texts["customer_id"],
        numbers["risk_score"],
        numbers["churn_probability"],
        numbers["value_at_risk"],
        {name: texts[name] for name in _CONDITIONS},
        texts["suppression"],
    )


def _kept(candidates: Candidates, frozen: NDArray[np.int64]) -> Candidates:
    """Let nothing keep customers off a list that they are on already: a rerun gives no place away."""
    suppression = candidates.suppression.copy()
    suppression[np.isin(candidates.customer_keys, frozen)] = None
    return replace(candidates, suppression=suppression)


def _read_drivers(connection: Connection, night: ScoredNight, candidates: Candidates) -> NDArray[np.object_]:
    """Return each candidate's drivers, shape (n, 3); None where there is none, or no reason was given."""
    query = literal_sql(read_sql("scores/list_drivers.sql").statement, as_of=night.as_of, run_id=night.run_id)
    numbers, texts = read_texts(connection, query, {"customer_key": np.int64} | dict.fromkeys(_DRIVERS, str))
    found = np.full((len(candidates.customer_keys), len(_DRIVERS)), None, dtype=object)
    places = np.searchsorted(candidates.customer_keys, numbers["customer_key"])
    for column, name in enumerate(_DRIVERS):
        found[places, column] = texts[name]
    return found


def _worth(connection: Connection, night: ScoredNight, candidates: Candidates) -> _Worth:
    """Price every offer for every candidate; drivers are taken to allow it, and one that would do harm is none."""
    retention = night.settings.retention
    offers = retention.all_offers
    segments = np.array([name or "" for name in candidates.attributes["segment"]], dtype=np.str_)
    table = campaigns.save_rates(connection, night.settings, night.as_of, night.run_id)
    rates = table.of([offer.name for offer in offers], segments)
    costs = [offer.cost for offer in offers]
    net = expected_net_value(candidates.value_at_risk, rates, costs, retention.saved_value_share)
    anyone = [_without_driver(offer) for offer in offers]
    nothing = np.empty((len(segments), 0), dtype=object)
    is_allowed = eligible(anyone, candidates.attributes, nothing) & (rates >= 0)
    return _Worth(np.where(is_allowed, net, -np.inf), rates)


def _without_driver(offer: Offer) -> Offer:
    return offer.model_copy(update={"when": {key: value for key, value in offer.when.items() if key != "driver"}})


def _allowed(offers: tuple[Offer, ...], candidates: Candidates, drivers: NDArray[np.object_], worth: _Worth) -> _Worth:
    """Leave of what offers are worth those that may be made to customers driven by these drivers."""
    is_allowed = eligible(offers, candidates.attributes, drivers)
    return replace(worth, net_value=np.where(is_allowed, worth.net_value, -np.inf))


def _hopeful(night: ScoredNight, candidates: Candidates, worth: _Worth) -> NDArray[np.int64]:
    """Return the keys of those who could be listed, the one with the highest possible worth first."""
    retention = night.settings.retention
    best = np.where(candidates.is_free, np.nan_to_num(worth.net_value, nan=-np.inf).max(axis=1), -np.inf)
    could = np.flatnonzero((best > 0) & (best >= retention.minimum_value))
    most = max(retention.list_size, night.settings.reasons.max_rows // 2)
    first = could[np.lexsort((candidates.customer_keys[could], -candidates.risk_score[could], -best[could]))]
    return candidates.customer_keys[first[:most]]


def _union(first: NDArray[np.int64], more: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the keys of `first`, in their order, then those of `more` that are not among them."""
    return np.concatenate([first, np.setdiff1d(more, first)])


def _choose(night: ScoredNight, candidates: Candidates, worth: _Worth) -> Offered:
    """Choose the list among those who may be contacted; of the others the best offer is told."""
    retention, offers = night.settings.retention, night.settings.retention.all_offers
    costs = np.array([offer.cost for offer in offers])
    free = np.flatnonzero(candidates.is_free)
    choice = choose(
        worth.net_value[free],
        costs,
        list_size=retention.list_size,
        budget=retention.budget,
        capacities=[offer.capacity for offer in offers],
        minimum_value=retention.minimum_value,
        customer_ids=candidates.customer_ids[free].tolist(),
        risk_score=candidates.risk_score[free],
    )
    known = np.nan_to_num(worth.net_value, nan=-np.inf)
    offer = np.where(known.max(axis=1) > 0, known.argmax(axis=1), -1)
    status = np.where(candidates.is_free, "", candidates.suppression)
    offer[free], status[free] = choice.offer, choice.status.astype(object)
    has_one = offer >= 0
    rows = np.arange(len(offer))
    return Offered(
        candidates,
        tuple(each.name for each in offers),
        status,
        offer,
        np.where(has_one, worth.net_value[rows, offer], np.nan).round(2),
        np.where(has_one, costs[offer], np.nan),
        np.where(has_one, worth.save_rates[rows, offer], np.nan),
        free[choice.listed],
    )


def money(amounts: NDArray[np.float64]) -> NDArray[np.object_]:
    """Write amounts with two decimals, as the warehouse keeps money; None where unknown."""
    told = [None if np.isnan(amount) else f"{amount:.2f}" for amount in amounts.tolist()]
    return np.array(told, dtype=object)
