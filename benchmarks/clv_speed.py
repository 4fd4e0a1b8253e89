"""How long BG/NBD takes on a million customers, side by side with the package `lifetimes`; and what else a night asks.

Each runs in a process of its own, on the same simulated histories. Log-likelihoods are those of the parameters that
were found, by one function. `lifetimes` is given the customers as it asks for them (one row each), and so are we.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.measured import in_its_own_process, peak_bytes
from benchmarks.tables import number, table, verdicts
from churn.clv import (
    BgNbdParams,
    GammaGammaParams,
    InactivityModel,
    ParetoNbdParams,
    fit_bg_nbd,
    fit_pareto_nbd,
    inactivity_clv,
)
from churn.clv.bg_nbd import log_likelihood
from churn.clv.values import Economics, Floats

CUSTOMERS = 1_000_000
FASTER, MOST_BYTES = 10.0, 1_000_000_000
_TRUTH, _LONGEST_DAYS = BgNbdParams(0.25, 31.0, 0.8, 2.4), 730
_MODEL = InactivityModel(
    _TRUTH, GammaGammaParams(6.0, 4.0, 15.0), ParetoNbdParams(0.52, 75.0, 0.75, 177.0),
    tuple(tuple(0.01 * (row == column) for column in range(7)) for row in range(7)),
)  # fmt: skip
_NIGHT_ROWS = 50_000


def histories(customers: int) -> tuple[Floats, Floats, Floats]:
    """Return frequency, recency and age in days of customers who buy as in BG/NBD, at most once a day."""
    random = np.random.default_rng(1)
    t = random.integers(1, _LONGEST_DAYS, customers).astype(np.float64)
    rate, leaves = random.gamma(_TRUTH.r, 1 / _TRUTH.alpha_days, customers), random.beta(_TRUTH.a, _TRUTH.b, customers)
    frequency, recency, now = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    playing = np.arange(customers)
    while len(playing):
        now[playing] = np.ceil(now[playing] + random.exponential(1 / np.maximum(rate[playing], 1e-12)))
        playing = playing[now[playing] <= t[playing]]
        frequency[playing] += 1
        recency[playing] = now[playing]
        playing = playing[random.random(len(playing)) >= leaves[playing]]
    return frequency, recency, t


def measured(what: str, customers: int) -> dict[str, Any]:
    """Return the seconds and the peak memory of one task in this process, and the log-likelihood of a fit."""
    data = histories(customers)
    started, worked = time.perf_counter(), time.process_time()
    params = _TASKS[what](*data)
    found: dict[str, Any] = {
        "seconds": time.perf_counter() - started,
        "processor_seconds": time.process_time() - worked,
        "peak_bytes": peak_bytes(),
        "customers": customers,
    }
    if params is not None:
        found |= {"parameters": params, "log_likelihood": log_likelihood(BgNbdParams(*params), *data)}
    return found


def _ours(*data: Floats) -> tuple[float, ...] | None:
    params = fit_bg_nbd(*data).params
    return params.r, params.alpha_days, params.a, params.b


def _lifetimes(*data: Floats) -> tuple[float, ...] | None:
    fitter = importlib.import_module("lifetimes").BetaGeoFitter().fit(*data)
    return tuple(float(fitter.params_[name]) for name in ("r", "alpha", "a", "b"))


def _pareto(*data: Floats) -> tuple[float, ...] | None:
    fit_pareto_nbd(*data)
    return None


def _night(x: Floats, recency: Floats, t: Floats) -> tuple[float, ...] | None:
    """Value everyone with intervals, a batch at a time, as a night does."""
    economics, spent = Economics(90, 12, 0.1, 0.6), np.where(x > 0, 25.0, np.nan)
    for low in range(0, len(x), _NIGHT_ROWS):
        rows = slice(low, low + _NIGHT_ROWS)
        keys = np.arange(low, low + len(x[rows]))
        inactivity_clv(
            np.full(len(keys), 0.6), x[rows], recency[rows], t[rows], spent[rows], _MODEL,
            economics=economics, customer_keys=keys, seed=1,
        )  # fmt: skip
    return None


_TASKS: dict[str, Callable[[Floats, Floats, Floats], tuple[float, ...] | None]] = {
    "bg_nbd": _ours, "lifetimes": _lifetimes, "pareto_nbd": _pareto, "night": _night,
}  # fmt: skip


def side_by_side(customers: int) -> dict[str, dict[str, Any]]:
    """Return what each task took, every one in a process of its own."""
    size = ("--customers", str(customers))
    return {what: in_its_own_process("benchmarks.clv_speed", "--task", what, *size) for what in _TASKS}


def speed_criteria(found: dict[str, dict[str, Any]]) -> list[tuple[str, bool]]:
    """Return the criteria in words with their figures, and whether each holds."""
    ours, theirs = found["bg_nbd"], found["lifetimes"]
    ratio = theirs["seconds"] / ours["seconds"]
    gain = ours["log_likelihood"] - theirs["log_likelihood"]
    return [
        (
            f"BG/NBD on {ours['customers']:,} customers at least {FASTER:.0f} × faster than lifetimes "
            f"({ours['seconds']:.2f} s against {theirs['seconds']:.1f} s, {ratio:.0f} ×)",
            ratio >= FASTER,
        ),
        (f"at an equal or better log-likelihood ({ours['log_likelihood']:,.3f}, {gain:+.3g})", gain >= -1e-3),
        (f"within 1 GB (peak {ours['peak_bytes'] / 1e9:.2f} GB)", ours["peak_bytes"] <= MOST_BYTES),
    ]


def speed_table(found: dict[str, dict[str, Any]]) -> str:
    """Return seconds, peak memory and log-likelihoods in Markdown."""
    words = {
        "bg_nbd": "BG/NBD, this project", "lifetimes": "BG/NBD, lifetimes",
        "pareto_nbd": "Pareto/NBD, this project", "night": "everyone valued, with intervals",
    }  # fmt: skip
    rows = [
        [
            words[what], number(task["seconds"], 2), number(task["processor_seconds"], 2),
            number(task["peak_bytes"] / 1e9, 2), number(task.get("log_likelihood"), 2),
        ]
        for what, task in found.items()
    ]  # fmt: skip
    return table(["task", "seconds", "of a processor", "peak GB", "log-likelihood"], rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all tasks side by side, or one of them as JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.clv_speed", description=__doc__)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--task", choices=tuple(_TASKS))
    options = parser.parse_args(arguments)
    if options.task:
        print(json.dumps(measured(options.task, options.customers)))
        return
    found = side_by_side(options.customers)
    print(speed_table(found))
    print()
    print(verdicts(speed_criteria(found)))


if __name__ == "__main__":
    main()
