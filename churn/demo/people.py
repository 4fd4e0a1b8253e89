"""Who the customers of the simulated company are: what it knows of them, and what nobody knows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

COUNTRIES = ("DE", "FR", "GB", "IT", "NL", "US")
INDUSTRIES = ("education", "finance", "health", "logistics", "manufacturing", "media", "retail", "software")
PLANS = ("basic", "team", "business", "enterprise")
DAY_SECONDS = 86_400
_COUNTRY_SHARES = (0.24, 0.14, 0.2, 0.08, 0.1, 0.24)
_INDUSTRY_SHARES = (0.08, 0.1, 0.1, 0.08, 0.14, 0.1, 0.18, 0.22)


@dataclass(frozen=True)
class Population:
    """Customers in the order of their sign-up; every array has shape (n,).

    Attributes
    ----------
    signup_day, signup_second : ndarray of int32
        Day index and second of that day.
    country, industry : ndarray of int8
        Index into `COUNTRIES` and `INDUSTRIES`.
    employees : ndarray of int32
    contactable : ndarray of bool
    lead_days : ndarray of int32
        Days of trial or free use before the first paid day; 0 for most.
    lead_is_free : ndarray of bool
        The days before are on the free plan, not a trial.
    converts : ndarray of bool
        Ever pays.
    plan : ndarray of int8
        First plan, index into `PLANS`.
    seats : ndarray of int32
        Multiplies the plan's price.
    annual : ndarray of bool
        Billed every 12 months instead of every month.
    discount_share : ndarray of float64
        Introductory discount in [0, 1).
    discount_months : ndarray of int32
        How long it lasts; 0 = none.
    engagement : ndarray of float64
        Log of the rate of days with use over a typical customer's.
    depth : ndarray of float64
        Events on a day with use beyond the first, on average.
    mix : ndarray of int8
        Profile of event types.
    payment_risk : ndarray of float64
        Chance that a charge fails.
    frailty : ndarray of float64
        Hidden factor of the hazard, mean about 1.
    exposed : ndarray of bool
        Hidden: competitors' offers reach this customer.
    """

    signup_day: NDArray[np.int32]
    signup_second: NDArray[np.int32]
    country: NDArray[np.int8]
    industry: NDArray[np.int8]
    employees: NDArray[np.int32]
    contactable: NDArray[np.bool_]
    lead_days: NDArray[np.int32]
    lead_is_free: NDArray[np.bool_]
    converts: NDArray[np.bool_]
    plan: NDArray[np.int8]
    seats: NDArray[np.int32]
    annual: NDArray[np.bool_]
    discount_share: NDArray[np.float64]
    discount_months: NDArray[np.int32]
    engagement: NDArray[np.float64]
    depth: NDArray[np.float64]
    mix: NDArray[np.int8]
    payment_risk: NDArray[np.float64]
    frailty: NDArray[np.float64]
    exposed: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of customers."""
        return len(self.signup_day)

    @property
    def paid_day(self) -> NDArray[np.int32]:
        """Day index of the first paid day, had the customer paid, shape (n,)."""
        return self.signup_day + self.lead_days

    def part(self, first: int, last: int) -> Population:
        """Return the customers [first, last)."""
        return Population(**{field.name: getattr(self, field.name)[first:last] for field in fields(self)})

    def joined(self, other: Population) -> Population:
        """Return these customers followed by the other ones."""
        both = {f.name: np.concatenate((getattr(self, f.name), getattr(other, f.name))) for f in fields(self)}
        return Population(**both)

    def customer_ids(self) -> list[str]:
        """Return the ids that the source tables use."""
        return [f"C{number:06d}" for number in range(1, len(self) + 1)]


def draw_population(count: int, first_day: int, last_day: int, rng: np.random.Generator) -> Population:
    """Draw customers who sign up on the days [first_day, last_day), a little more often towards the end."""
    share_of_time = np.sort(rng.random(count)) ** 0.9
    signup_day = (first_day + share_of_time * (last_day - first_day)).astype(np.int32)
    employees = np.clip(np.exp(rng.normal(2.9, 1.2, count)), 1, 20_000).astype(np.int32)
    return Population(
        signup_day=np.minimum(signup_day, last_day - 1).astype(np.int32),
        signup_second=rng.integers(6 * 3600, 20 * 3600, count, dtype=np.int32),
        country=rng.choice(len(COUNTRIES), count, p=_COUNTRY_SHARES).astype(np.int8),
        industry=rng.choice(len(INDUSTRIES), count, p=_INDUSTRY_SHARES).astype(np.int8),
        employees=employees,
        contactable=rng.random(count) >= 0.08,
        **_drawn_contract(employees, rng),
        **_drawn_nature(employees, rng),
    )


def _drawn_contract(employees: NDArray[np.int32], rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Draw how customers buy: trial, plan, seats, billing and discount."""
    count = len(employees)
    lead = rng.random(count)
    free_days = rng.integers(30, 181, count)
    size = np.log(employees) + rng.normal(0, 0.8, count)
    annual = rng.random(count) < 0.2
    discounted = rng.random(count) < 0.4
    months = rng.choice(np.array([3, 6, 12]), count, p=[0.5, 0.35, 0.15])
    return {
        "lead_days": np.where(lead < 0.2, 14, np.where(lead < 0.25, free_days, 0)).astype(np.int32),
        "lead_is_free": (lead >= 0.2) & (lead < 0.25),
        "converts": (lead >= 0.25) | (rng.random(count) < 0.75),
        "plan": np.searchsorted([2.4, 3.8, 5.2], size).astype(np.int8),
        "seats": np.clip(np.sqrt(employees) / 2, 1, 30).astype(np.int32),
        "annual": annual,
        "discount_share": np.where(discounted, rng.choice(np.array([0.2, 0.3, 0.4]), count), 0.0),
        "discount_months": np.where(discounted, np.where(annual, 12, months), 0).astype(np.int32),
    }


def _drawn_nature(employees: NDArray[np.int32], rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Draw how customers behave; a table shows it only by its consequences."""
    count = len(employees)
    frailty_sd = 0.4
    return {
        "engagement": rng.normal(0.0, 0.75, count) + 0.08 * (np.log(employees) - 2.9),
        "depth": rng.gamma(2.0, 0.6, count),
        "mix": rng.integers(0, 3, count).astype(np.int8),
        "payment_risk": rng.beta(0.7, 14.0, count),
        "frailty": np.exp(rng.normal(-(frailty_sd**2) / 2, frailty_sd, count)),
        "exposed": rng.random(count) < 0.5,
    }
