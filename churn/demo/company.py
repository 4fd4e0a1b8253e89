"""A simulated company: five source tables that look real, and the true probabilities that no table tells.

No public data set has customers, subscriptions, payments, usage and tickets of one company, and none knows
the true probability of churn. What happens and why is said in `billing.py`, `activity.py`, `hazard.py` and
`lives.py`. A construction of this project.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from churn.demo.billing import LAPSE_DAYS
from churn.demo.blocks import BLOCK_CUSTOMERS, Block, History, World, add_up, make_world, simulate_block
from churn.demo.lives import RETURN_DAYS
from churn.demo.people import Population, draw_population
from churn.demo.source_rows import source_batches
from churn.demo.timeline import SIMULATED_FUTURE_DAYS, Timeline
from churn.errors import UsageError

_POPULATION, _COMERS, _WORLD, _BLOCK, _COMERS_BLOCK, _EVENTS, _EFFECTS = range(7)


@dataclass(frozen=True, kw_only=True)
class CompanySettings:
    """What is simulated.

    Attributes
    ----------
    as_of : date
        The first day that the company doesn't know yet.
    seed : int
    customers : int
        How many have signed up before `as_of`.
    history_days : int
        Days of history before `as_of`.
    future_days : int
        Days from `as_of` on that the source tables tell as well, 0 to 365; for tests and evaluation alone.
        What lies before `as_of` is the same whatever it is, but for facts learned later (as an `ended_at`).

    Raises
    ------
    UsageError
        No customer, no day of history, or more future than is simulated.
    """

    as_of: date
    seed: int = 7
    customers: int = 20_000
    history_days: int = 1096
    future_days: int = 0

    def __post_init__(self) -> None:
        """Refuse what can't be simulated."""
        if self.customers < 1 or self.history_days < 1:
            raise UsageError("A simulated company needs a customer and a day of history.", "Ask for at least one.")
        if not 0 <= self.future_days < SIMULATED_FUTURE_DAYS:
            raise UsageError(f"future_days is {self.future_days}.", "Ask for 0 to 365 days.")

    def rng(self, *stream: int) -> np.random.Generator:
        """Return the random generator of one part of the simulation; `future_days` has no say in it."""
        return np.random.default_rng([self.seed, self.customers, self.as_of.toordinal(), self.history_days, *stream])


@dataclass(frozen=True)
class Company:
    """A simulated company: what its source tables say, and what only a simulation can know.

    Attributes
    ----------
    settings : CompanySettings
    timeline : Timeline
    people : Population
        Customers in the order of sign-up.
    history : History
    """

    settings: CompanySettings
    timeline: Timeline
    people: Population
    history: History

    def tables(self) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield the source tables in batches of bounded size: the table's name, then some of its rows.

        The tables come one after the other, usage events in the order of time. No fact dated on or after
        `as_of + future_days` is told; `discount_until`, agreed beforehand, may lie later.
        """
        return source_batches(self.timeline, self.people, self.history, lambda day: self.settings.rng(_EVENTS, day))

    def true_probabilities(self, as_of: date, horizon_days: int, grace_days: int) -> pd.DataFrame:
        """Return each active customer's true probability of churn within the label window.

        It is 1 - prod(1 - hazard) over the window's days. It knows all that drives the hazard, what happens
        within the window included: nobody could predict as well. For tests and evaluation alone.

        Parameters
        ----------
        as_of : date
            Business date in UTC.
        horizon_days : int
            Length of the label window [as_of, as_of + horizon_days).
        grace_days : int
            Gaps of up to this length are not churn; 9 to 24 days, since lapses last up to 9 days and
            customers who left return after 25 or more.

        Returns
        -------
        pandas.DataFrame
            `customer_id` and `churn_probability` in [0, 1], one row per customer active at `as_of`: on a paid
            subscription with started_date < as_of <= ended_date.

        Raises
        ------
        UsageError
            The window isn't simulated, or the grace period can't tell lapses from churn.
        """
        first, last = self._label_window(as_of, horizon_days, grace_days)
        active = np.flatnonzero(self._active(first))
        hazard = self.history.hazard[active, first:last].astype(np.float64)
        return pd.DataFrame(
            {
                "customer_id": self._ids(active),
                "churn_probability": -np.expm1(np.log1p(-hazard).sum(axis=1)),
            }
        )

    def contact_effects(self) -> pd.DataFrame:
        """Return by what contacting each customer multiplies their hazard; for judging campaigns alone.

        Below 1 for most. Above 1 for "sleeping dogs", mostly long-standing customers who use little, who are
        reminded that they pay (Ascarza, Iyengar & Schleicher 2016, Journal of Marketing Research 53).

        Returns
        -------
        pandas.DataFrame
            `customer_id` and `hazard_multiplier` > 0, one row per customer. A customer with probability p of
            leaving has 1 - (1 - p) ** hazard_multiplier when contacted.
        """
        rng = self.settings.rng(_EFFECTS)
        tenure_days = self.timeline.as_of_day - self.people.signup_day
        sleepy = -3.4 - 1.6 * self.people.engagement + 1.5 * (tenure_days > 365)
        count = len(self.people)
        dog = rng.random(count) < 1.0 / (1.0 + np.exp(-sleepy))
        receptive = np.where(self.people.discount_months > 0, 0.65, 0.78) + rng.uniform(-0.12, 0.12, count)
        multiplier = np.where(dog, rng.uniform(1.1, 1.7, count), receptive)
        return pd.DataFrame({"customer_id": self._ids(np.arange(count)), "hazard_multiplier": multiplier})

    def _label_window(self, as_of: date, horizon_days: int, grace_days: int) -> tuple[int, int]:
        """Return the label window's day indices [first, last); refuse one without a known truth."""
        first = self.timeline.index(as_of)
        last = first + horizon_days
        if first < 0 or horizon_days < 1 or last > self.timeline.days:
            raise UsageError(
                f"The simulation has no window of {horizon_days} days from {as_of}.", "Ask for one within it."
            )
        if not LAPSE_DAYS[1] <= grace_days < RETURN_DAYS[0]:
            raise UsageError(f"A grace of {grace_days} days can't tell lapses from churn here.", "Use 9 to 24 days.")
        return first, last

    def _active(self, day: int) -> NDArray[np.bool_]:
        """Return who is active at the beginning of a day, shape (customers,)."""
        active = self.history.lives.active(day)
        lapsed = self.history.lapses
        active[lapsed[(lapsed[:, 1] < day) & (day <= lapsed[:, 2]), 0]] = False
        return active

    def _ids(self, customers: NDArray[np.int64]) -> NDArray[np.object_]:
        """Return customer ids by position."""
        return np.array(self.people.customer_ids(), dtype=object)[customers]


def simulate_company(settings: CompanySettings) -> Company:
    """Simulate a company; the same settings give the same company, to the byte.

    Takes memory of some 4 bytes per customer and day, besides the rows of the small tables.
    """
    origin = settings.as_of - timedelta(days=settings.history_days)
    timeline = Timeline(
        origin=np.datetime64(origin, "D"),
        as_of_day=settings.history_days,
        known_days=settings.history_days + settings.future_days,
        days=settings.history_days + SIMULATED_FUTURE_DAYS,
    )
    people = draw_population(settings.customers, 0, timeline.as_of_day, settings.rng(_POPULATION))
    if settings.future_days:
        count = max(settings.customers * SIMULATED_FUTURE_DAYS // settings.history_days, 1)
        comers = draw_population(count, timeline.as_of_day, timeline.days, settings.rng(_COMERS))
        people = people.joined(comers)
    world = make_world(timeline, settings.rng(_WORLD))
    history = add_up(_blocks(settings, people, world), len(people), timeline.days)
    return Company(settings, timeline, people, history)


def _blocks(settings: CompanySettings, people: Population, world: World) -> Iterator[Block]:
    """Simulate block by block; those who come after `as_of` have blocks of their own and change no other."""
    for stream, begin, end in (
        (_BLOCK, 0, settings.customers),
        (_COMERS_BLOCK, settings.customers, len(people)),
    ):
        for first in range(begin, end, BLOCK_CUSTOMERS):
            part = people.part(first, min(first + BLOCK_CUSTOMERS, end))
            yield simulate_block(part, first, world, settings.rng(stream, first))
