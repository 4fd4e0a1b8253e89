"""The benchmark of the dashboard proves something: nights are published, much is asked for, nothing else passes."""

from __future__ import annotations

import random
import subprocess
import threading
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from werkzeug.datastructures import MultiDict

from benchmarks import dashboard
from benchmarks.dashboard import Load, criteria_of, load
from benchmarks.dashboard_addresses import Addresses
from churn.dashboard.pages import PAGES
from churn.dashboard.web.asking import asked


def met(**changed: object) -> Load:
    good = {"statuses": Counter({200: 99, 304: 1}), "nights": ["2025-11-04"], "shown": {"2025-11-03", "2025-11-04"}}
    return Load(milliseconds=[10.0] * 100, **(good | changed))  # type: ignore[arg-type]


def test_the_good_case_passes():
    assert all(holds for _, holds in criteria_of(met(), publishes=True))


@pytest.mark.parametrize(
    "changed",
    [
        *({"statuses": Counter({200: 99, status: 1})} for status in (0, 401, 404, 429, 500, 503)),
        {"nights": []},
        {"shown": {"2025-11-03"}},
    ],
)
def test_what_proves_nothing_does_not_pass(changed):
    assert not all(holds for _, holds in criteria_of(met(**changed), publishes=True))


def test_readers_ask_for_all_customers_in_many_ways_and_only_for_what_there_is():
    chance, addresses = random.Random(1), Addresses([f"C-{n:05}" for n in range(5_000)])
    paths = {addresses.any(chance) for _ in range(3_000)}
    assert len(paths) > 1_500
    assert len({path for path in paths if path.startswith("/customer")}) > 900
    pages = {page.name: page for page in PAGES}
    for path in paths - {"/"}:
        parts = urlsplit(path)
        name = parts.path.removeprefix("/api/v1").removeprefix("/download").split("/")[1]
        asked(pages[name].query, MultiDict(parse_qsl(parts.query)))
    for word in ("sort=", "customer=", "min_probability=", "page=", "/download/", "/api/v1/at-risk?"):
        assert sum(word in path for path in paths) > 30, word


def test_a_night_that_fails_fails_the_benchmark(monkeypatch):
    def fail(*_: object) -> None:
        raise subprocess.CalledProcessError(16, "one_night")

    monkeypatch.setattr(dashboard, "_publish", fail)
    monkeypatch.setattr(dashboard, "_read", lambda *_: None)
    monkeypatch.setattr(Addresses, "of", lambda url: Addresses(["C-1"]))
    with pytest.raises(subprocess.CalledProcessError):
        load("http://127.0.0.1:1", 2, 0.05, Path("churn.toml"), object())  # type: ignore[arg-type]
    assert threading.active_count() < 20
