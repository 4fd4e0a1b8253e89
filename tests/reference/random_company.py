"""Small random companies in staging, with most dates on an edge of some window or beside it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.sql.staging_tables import Staging

CUSTOMERS = 8
_EDGES = np.array([0, 7, 14, 28, 30, 44, 56, 90, 180, 365])


def a_day(rng: np.random.Generator, latest: int = 60) -> int:
    """A day from as_of: on or beside an edge in either direction, or anywhere in two years."""
    if rng.random() < 0.5:
        return int(rng.integers(-730, latest))
    found = int(rng.choice(_EDGES) * rng.choice([-1, -1, -1, 1]) + rng.integers(-1, 2))
    return min(found, latest)


def fill(staging: Staging, seed: int, *, earliest: int | None = None, prefix: str = "") -> None:
    """Add random rows of every entity; from `earliest` on where it is given."""
    rng = np.random.default_rng(seed)

    def when() -> int:
        found = a_day(rng)
        return found if earliest is None else earliest + abs(found) % 60

    for key in range(1, CUSTOMERS + 1):
        if earliest is None and rng.random() < 0.9:
            staging.customer(key, when())
        for number in range(rng.integers(0, 5)):
            _subscription(staging, rng, key, when(), f"{prefix}s{key}-{number}")
        for number in range(rng.integers(0, 15)):
            _payment(staging, rng, key, when(), f"{prefix}p{key}-{number}")
        for number in range(rng.integers(0, 5)):
            _ticket(staging, rng, key, when(), f"{prefix}t{key}-{number}")
        for used, kind in {(when(), str(rng.choice(["a", "b", "c"]))) for _ in range(rng.integers(0, 40))}:
            quantity = float(rng.integers(-20, 200)) / 8
            staging.usage(key, used, int(rng.integers(1, 9)), quantity, f"{prefix}{kind}")


def _versions(rng: np.random.Generator, first: dict[str, Any], second: dict[str, Any]) -> list[dict[str, Any]]:
    """One version, or two with the later one learned on some day."""
    if rng.random() < 0.6:
        return [first]
    changed = a_day(rng)
    return [{**first, "valid_to": changed}, {**second, "valid_from": changed}]


def _subscription(staging: Staging, rng: np.random.Generator, key: int, started: int, name: str) -> None:
    ended = None if rng.random() < 0.4 else started + int(rng.integers(0, 200))
    first = {"mrr": float(rng.choice([0, 10, 25])), "plan": str(rng.choice(["basic", "pro"]))}
    second = {"mrr": float(rng.choice([0, 10, 25])), "plan": str(rng.choice(["basic", "pro"]))}
    common: dict[str, Any] = {
        "subscription_id": name,
        "billing_months": int(rng.choice([1, 3, 12])),
        "discount": None if rng.random() < 0.5 else started + int(rng.integers(0, 100)),
    }
    for version in _versions(rng, first, second):
        staging.subscription(key, started, ended, **common, **version)


def _payment(staging: Staging, rng: np.random.Generator, key: int, paid: int, name: str) -> None:
    amount = float(rng.integers(-10, 80)) / 4
    status = str(rng.choice(["paid", "paid", "paid", "failed", "refunded"]))
    for version in _versions(rng, {"status": status}, {"status": "refunded"}):
        staging.payment(key, paid, amount, payment_id=name, **version)


def _ticket(staging: Staging, rng: np.random.Generator, key: int, opened: int, name: str) -> None:
    closed = None if rng.random() < 0.3 else opened + int(rng.integers(0, 40))
    rating = None if rng.random() < 0.4 else int(rng.integers(1, 6))
    common: dict[str, Any] = {"ticket_id": name, "is_severe": bool(rng.random() < 0.4)}
    first: dict[str, Any] = (
        {"closed": None, "satisfaction": None} if rng.random() < 0.3 else {"closed": closed, "satisfaction": rating}
    )
    for version in _versions(rng, first, {"closed": closed, "satisfaction": rating}):
        staging.ticket(key, opened, **common, **version)
