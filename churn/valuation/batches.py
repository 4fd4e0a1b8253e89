"""Customers in batches, valued by the method in use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn import clv
from churn.clv.naive import Names, baseline_values, own_rate_of_contracts, own_rate_of_purchases
from churn.config import Settings
from churn.matrix import Batch, FeatureNames, number_column
from churn.valuation.facts import NO_FACTS, Facts
from churn.valuation.in_force import ClvInForce

PLAN = "plan"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Valued:
    """What a batch of n customers is worth.

    Attributes
    ----------
    values : ClvValues
        By `clv.method`, in `business.currency`.
    expected_purchases : ndarray of float64, shape (n,)
        Within the churn horizon, by the model; NaN where churn is contractual.
    p_alive : ndarray of float64, shape (n,)
        By the model; NaN where churn is contractual.
    """

    values: clv.ClvValues
    expected_purchases: Floats
    p_alive: Floats


def value_batch(
    settings: Settings,
    names: FeatureNames,
    batch: Batch,
    in_force: ClvInForce,
    p: Floats,
    *,
    facts: Facts = NO_FACTS,
    segments: Names | None = None,
) -> Valued:
    """Value a batch of customers.

    Parameters
    ----------
    settings : Settings
    names : FeatureNames
    batch : Batch
        n customers.
    in_force : ClvInForce
    p : ndarray of float64, shape (n,)
        Calibrated churn probability; NaN where there is none.
    facts : Facts
        What staging knows beside the features.
    segments : ndarray of str, shape (n,), optional
        For `clv.method = "segment_average"`.
    """
    economics = clv.Economics(
        settings.churn.horizon_days,
        settings.clv.horizon_months,
        settings.clv.annual_discount_rate,
        settings.clv.gross_margin,
    )
    if settings.churn.definition == "contractual":
        return _contracts(settings, names, batch, in_force, p, economics, facts, segments)
    return _purchases(settings, names, batch, in_force, p, economics, facts, segments)


def stakes(
    settings: Settings,
    names: FeatureNames,
    batch: Batch,
    in_force: ClvInForce,
    p: Floats,
    *,
    facts: Facts = NO_FACTS,
    segments: Names | None = None,
) -> Floats:
    """Return what a customer's staying is worth, V^S - V^L, shape (n,) (methods.md B); 0 where it is not known."""
    values = value_batch(settings, names, batch, in_force, p, facts=facts, segments=segments).values
    return np.nan_to_num(values.clv_if_retained - values.value_if_churned, nan=0.0)


def contracts_of(names: FeatureNames, batch: Batch, days_to_discount_end: Floats) -> clv.Contracts:
    """Return what features say of a batch's contracts, with the discounts that run."""

    def column(name: str) -> Floats:
        return number_column(names, batch, name)

    return clv.Contracts(
        mrr=column("mrr"),
        paid_tenure_days=column("paid_tenure_days"),
        billing_months=column("billing_months"),
        days_to_renewal=column("days_to_renewal"),
        days_to_discount_end=days_to_discount_end,
        plan=_plans(names, batch),
    )


def _plans(names: FeatureNames, batch: Batch) -> NDArray[np.object_]:
    if PLAN not in names.categories:
        return np.full(len(batch), "", dtype=object)
    place = names.categories.index(PLAN)
    levels = np.array([*names.levels[place], ""], dtype=object)
    return levels[batch.codes[:, place]]


def _contracts(
    settings: Settings,
    names: FeatureNames,
    batch: Batch,
    in_force: ClvInForce,
    p: Floats,
    economics: clv.Economics,
    facts: Facts,
    segments: Names | None,
) -> Valued:
    contracts = contracts_of(names, batch, facts.days_to_discount_end.of(batch.customer_keys, np.nan))
    own_rate = own_rate_of_contracts(contracts.mrr, gross_margin=economics.gross_margin)
    values = _baseline(settings, in_force, own_rate, p, economics, segments)
    if values is None and isinstance(in_force.model, clv.ContractualModel):
        values = clv.contractual_clv(
            in_force.model, contracts, p,
            economics=economics, customer_keys=facts.draw_keys(batch.customer_keys), seed=settings.train.seed,
        )  # fmt: skip
    unknown = np.full(len(batch), np.nan)
    return Valued(values or _unknown(len(batch)), unknown, unknown)


def _purchases(
    settings: Settings,
    names: FeatureNames,
    batch: Batch,
    in_force: ClvInForce,
    p: Floats,
    economics: clv.Economics,
    facts: Facts,
    segments: Names | None,
) -> Valued:
    x, recency, t, gross = (
        number_column(names, batch, name) for name in ("frequency", "recency_days", "t_days", "monetary_value")
    )
    value = gross * facts.net_share.of(batch.customer_keys, 1.0)
    own_rate = own_rate_of_purchases(x, t, value, gross_margin=economics.gross_margin)
    baseline = _baseline(settings, in_force, own_rate, p, economics, segments)
    if not isinstance(in_force.model, clv.InactivityModel):
        unknown = np.full(len(batch), np.nan)
        return Valued(baseline or _unknown(len(batch)), unknown, unknown)
    bought = clv.inactivity_clv(
        p, x, recency, t, value, in_force.model,
        economics=economics, customer_keys=facts.draw_keys(batch.customer_keys), seed=settings.train.seed,
    )  # fmt: skip
    return Valued(baseline or bought.values, bought.expected_purchases, bought.p_alive)


def _baseline(
    settings: Settings,
    in_force: ClvInForce,
    own_rate: Floats,
    p: Floats,
    economics: clv.Economics,
    segments: Names | None,
) -> clv.ClvValues | None:
    """Return the values by the baseline that `clv.method` chooses, or None where it is the model."""
    if settings.clv.method == "own_rate":
        return baseline_values(own_rate, p, economics)
    if settings.clv.method == "segment_average" and in_force.averages is not None:
        return baseline_values(in_force.averages.monthly(segments, len(own_rate)), p, economics)
    return None


def _unknown(customers: int) -> clv.ClvValues:
    """Return the values of customers where there is neither a model nor a baseline."""
    nan = np.full(customers, np.nan)
    return clv.ClvValues(nan, nan, nan, nan, nan, nan, np.empty((customers, 0)))
