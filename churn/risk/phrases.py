"""The shape of a phrase, and what several of them share: a fall, and fewer than usual."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from churn.risk.facts import Facts

SMALLEST_FALL = 3.0
"""A fall by fewer than this is chance."""

FALL_TO = 0.7
FEW_TO = 0.5

_WINDOWS = {7: "within a week", 28: "in four weeks", 90: "in three months"}


@dataclass(frozen=True)
class Phrase:
    """A reason in words.

    Attributes
    ----------
    text : str
    columns : tuple of str
        What it speaks of.
    standing : bool
        It says how a customer is placed rather than what happened: true for months, and of many others.
    """

    text: str
    columns: tuple[str, ...]
    standing: bool = False


def phrase(text: str, *columns: str, standing: bool = False) -> Phrase:
    """Make a phrase."""
    return Phrase(text, columns, standing)


def fallen(facts: Facts, columns: tuple[str, str], days: int, said: Callable[[float, float], str]) -> Phrase | None:
    """Say that a window's sum is at most `FALL_TO` of that of the window before.

    Parameters
    ----------
    columns : tuple of (window's sum, its trend)
    days : int
        Length of the window: 7, 28 or 90.
    said : callable
        From (this window, the window before) to words; when it was is added.
    """
    found = facts.before(*columns)
    if found is None:
        return None
    now, before = found
    if before - now < SMALLEST_FALL or now > FALL_TO * before:
        return None
    return Phrase(f"{said(now, before)} {_WINDOWS[days]}", columns)


def few(facts: Facts, column: str) -> tuple[float, float] | None:
    """Return (value, typical) where the customer has some, but at most half of what is typical."""
    value, typical = facts.number(column), facts.typical(column)
    if value is None or typical is None or typical < 2 or not 0 < value <= FEW_TO * typical:
        return None
    return value, typical
