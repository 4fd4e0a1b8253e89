"""What is known of one customer on a night, and how numbers, sums of money and spans of time are put into words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from churn.matrix import FeatureNames
from churn.risk.data import Floats

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_PERIODS = {1: "monthly", 3: "quarterly", 6: "half-yearly", 12: "annual", 24: "two-year"}
_DAYS_A_MONTH = 365.2425 / 12
_LONGEST_TEXT = 40


@dataclass(frozen=True)
class Night:
    """What the words need to know beside a customer's own row.

    Attributes
    ----------
    names : FeatureNames
        The night's columns, those that no model uses included.
    typical : mapping of str to float
        For a number what is typical of the night's customers: the median (`typical_values`).
    currency : str
        ISO code that follows sums of money; empty leaves it out.
    measures : mapping of str to str
        For a usage entry's name what it measures: `count`, `sum` or `active_days`.
    """

    names: FeatureNames
    typical: Mapping[str, float] = field(default_factory=dict)
    currency: str = ""
    measures: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def number_places(self) -> dict[str, int]:
        """Where each number stands in a row."""
        return {name: place for place, name in enumerate(self.names.numbers)}

    @cached_property
    def category_places(self) -> dict[str, int]:
        """Where each category stands in a row."""
        return {name: place for place, name in enumerate(self.names.categories)}


@dataclass(frozen=True)
class Facts:
    """One customer's row.

    Attributes
    ----------
    night : Night
    numbers : ndarray of float32, shape (len(night.names.numbers),)
    codes : ndarray of int32, shape (len(night.names.categories),)
    """

    night: Night
    numbers: NDArray[np.float32]
    codes: NDArray[np.int32]

    def number(self, name: str) -> float | None:
        """Return a count, a span or a sum; None where it is missing or negative, or not a feature of the night."""
        value = self.signed(name)
        return value if value is not None and value >= 0 else None

    def signed(self, name: str) -> float | None:
        """Return a number that may be negative; None where it is missing, or not a feature of the night."""
        place = self.night.number_places.get(name)
        value = math.nan if place is None else float(self.numbers[place]) + 0.0  # -0.0 becomes 0.0
        return value if math.isfinite(value) else None

    def level(self, name: str) -> str | None:
        """Return a category's value as short plain text; None where it is missing or unknown."""
        place = self.night.category_places.get(name)
        code = -1 if place is None else int(self.codes[place])
        if place is None or code < 0:
            return None
        text = re.sub(r"[\s\x00-\x1f\x7f]+", " ", self.night.names.levels[place][code]).strip()
        return (text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1].rstrip() + "…") or None

    def typical(self, name: str) -> float | None:
        """Return what is typical of the night's customers; None where that is not known."""
        value = self.night.typical.get(name, math.nan)
        return value if math.isfinite(value) else None

    def money(self, value: float) -> str:
        """Return a sum of money: "1,250 USD", "12.50 USD"."""
        whole = abs(value) >= 1_000 or abs(value - round(value)) < 0.005
        return f"{value:,.{0 if whole else 2}f} {self.night.currency}".rstrip()

    def before(self, now: str, trend: str) -> tuple[float, float] | None:
        """Return (this window, the window before) from this window's sum and its trend; None where they don't tell.

        trend = (now - before) / (now + before), so before = now (1 - trend) / (1 + trend); 0 now leaves it open.
        The trend is kept to 24 bits: enough for whole numbers up to thousands, and for two digits beyond.
        """
        current, change = self.number(now), self.signed(trend)
        if not current or change is None or not -1 < change <= 1:
            return None
        earlier = current * (1 - change) / (1 + change)
        if earlier * 2.0**-25 / (1 + change) > 0.5:
            earlier = float(f"{earlier:.1e}")
        return current, float(round(earlier)) if current == round(current) else earlier


def typical_values(names: FeatureNames, numbers: NDArray[np.float32], weights: Floats) -> dict[str, float]:
    """Return the weighted median of every number over the customers of whom it is known.

    Parameters
    ----------
    names : FeatureNames
    numbers : ndarray of float32, shape (n, len(names.numbers))
    weights : ndarray of float64, shape (n,)
        How many customers a row stands for, positive.
    """
    found = {}
    for place, name in enumerate(names.numbers):
        column = numbers[:, place].astype(np.float64)
        known = np.flatnonzero(np.isfinite(column))
        if len(known):
            order = known[np.argsort(column[known], kind="stable")]
            reached = np.cumsum(weights[order])
            found[name] = float(column[order[int(np.searchsorted(reached, reached[-1] / 2))]])
    return found


def figure(value: float) -> str:
    """Return a number: "1,250", "2.5", "0.04"; never an exponent."""
    if abs(value) >= 10 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.2g}" if abs(value) >= 0.01 else "almost 0"


def counted(value: float, noun: str) -> str:
    """Return a count with its noun: "one payment", "two payments", "14 payments"."""
    number = round(value)
    word = _WORDS[number] if 0 <= number < len(_WORDS) else f"{number:,}"
    return f"{word} {noun}" if number == 1 else f"{word} {noun}s"


def days_long(days: float) -> str:
    """Return a span in days: "1 day", "23 days"."""
    return f"{round(days):,} day" + ("" if round(days) == 1 else "s")


def span(days: float) -> str:
    """Return a span of time in the unit that a person would use, completed units only: "23 days", "11 months"."""
    if days < 2 * _DAYS_A_MONTH:
        return days_long(days)
    months = math.floor(days / _DAYS_A_MONTH)
    return f"{months} months" if months < 24 else f"{months // 12} years"


def in_days(days: float) -> str:
    """Return when something is due: "today", "tomorrow", "in 5 days"."""
    return {0: "today", 1: "tomorrow"}.get(round(days), f"in {days_long(days)}")


def billing_period(months: float) -> str:
    """Return what a plan of that many months between renewals is called: "annual"."""
    return _PERIODS.get(round(months), f"{round(months)}-month")
