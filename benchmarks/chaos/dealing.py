"""Which night gets which fault and scenario: decided by the seed and the night's number alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.chaos.faults import FAULTS, Fault
from benchmarks.chaos.ground import AGAIN, FIRST, NEXT, Scenario
from churn.errors import UsageError

_SCENARIO_SHARES = {NEXT: 0.6, AGAIN: 0.2, FIRST: 0.2}


@dataclass(frozen=True)
class Dealt:
    """What is done in one night."""

    number: int
    fault: Fault
    scenario: Scenario


def chosen(names: Sequence[str]) -> list[Fault]:
    """Return the faults of these names; all of them where none is named.

    Raises
    ------
    UsageError
        There is no such fault.
    """
    known = {fault.name: fault for fault in FAULTS}
    if unknown := sorted(set(names) - known.keys()):
        raise UsageError(f"There is no fault {', '.join(unknown)}.", f"Choose from {', '.join(known)}.")
    return [fault for fault in FAULTS if not names or fault.name in names]


def deal(seed: int, number: int, faults: Sequence[Fault]) -> Dealt:
    """Return what a night gets: of each hundred or so, each fault its share, in an order drawn from the seed."""
    deck = [fault for fault in faults for _ in range(fault.share)]
    turn, place = divmod(number, len(deck))
    order = np.random.default_rng([seed, turn]).permutation(len(deck))
    scenarios = list(_SCENARIO_SHARES)
    drawn = np.random.default_rng([seed, number, 1]).choice(len(scenarios), p=list(_SCENARIO_SHARES.values()))
    return Dealt(number, deck[order[place]], scenarios[drawn])
