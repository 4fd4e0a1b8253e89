"""How fast the dashboard answers: many readers beside publishing nights, and each page on a big company, uncached.

The server, the readers and the nights are processes of their own; each reader keeps one connection, follows links as a
person would, only without stopping to read, and asks for many different customers and selections, so that most of
what it asks for is kept by nobody.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import quote, urlsplit

from benchmarks.dashboard_addresses import FIXED, Addresses, get
from benchmarks.night import AS_OF, first_load
from benchmarks.place import kept_or_not, say, writable_source
from benchmarks.source import BenchCompany, tell_a_day
from benchmarks.tables import number, table, verdicts
from churn.config import load_settings
from churn.errors import ChurnError

MOST_P95_MS = 500.0
MOST_PAGE_MS = 300.0
_NAME = "bench_dashboard"
_LONGEST_FOR_A_NIGHT = 4
_TIMED_ANSWERS = 7


@dataclass
class Load:
    """What the readers met.

    Attributes
    ----------
    milliseconds : list of float
        Of every answer.
    statuses : Counter
        Answers by status; 0 is no answer at all.
    nights : list of str
        Nights that were published meanwhile.
    shown : set of str
        Nights that readers saw.
    asked : set of str
        Addresses that were asked for.
    broken : list of Exception
        What a night failed with.
    """

    milliseconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    nights: list[str] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    broken: list[Exception] = field(default_factory=list)

    @property
    def failures(self) -> int:
        """Answers that do not give what was asked for, and those that never came."""
        return sum(count for status, count in self.statuses.items() if status not in (200, 304))

    def percentile(self, share: int) -> float:
        """Return a percentile of the times."""
        return quantiles(self.milliseconds, n=100, method="inclusive")[share - 1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 1 where readers met an error or waited too long."""
    parser = argparse.ArgumentParser(prog="benchmarks.dashboard", description=__doc__)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--customers", type=int, default=5_000)
    parser.add_argument("--pages", action="store_true", help="Time each page uncached instead.")
    parser.add_argument("--config", type=Path, help="A company that is there, instead of one made for this.")
    parser.add_argument("--home", type=Path, default=Path("build/bench-dashboard"), help="Folder for the databases.")
    parser.add_argument("--port", type=int, default=8951)
    parser.add_argument("--keep", action="store_true", help="Leave the databases there.")
    options = parser.parse_args(arguments)
    if options.config is not None:
        return _measure(options, options.config.resolve(), None)
    with kept_or_not(options.home, keep=options.keep):
        company = BenchCompany(options.customers, AS_OF, 4)
        first_load(options.home, _NAME, company)
        return _measure(options, options.home.resolve() / f"{_NAME}.toml", company)


def _measure(options: argparse.Namespace, config: Path, company: BenchCompany | None) -> int:
    log = options.home / "server.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with served(config, options.port, log, caches=not options.pages) as url:
        if options.pages:
            return _report_pages(page_times(url))
        found = load(url, options.readers, options.seconds, config, company)
        return _report(found, publishes=company is not None)


@contextmanager
def served(config: Path, port: int, log: Path, *, caches: bool) -> Iterator[str]:
    """Run the server while the block runs; give its address."""
    environment = {} if caches else {"CHURN_DASHBOARD__CACHE_SECONDS": "0"}
    command = [sys.executable, "-m", "churn", "--config", str(config), "serve", "--port", str(port)]
    with (
        log.open("w") as file,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=file, text=True, env=os.environ | environment
        ) as server,
    ):
        assert server.stdout is not None
        said = server.stdout.readline()
        try:
            if not said:
                raise RuntimeError(f"the server did not start; see {log}")
            yield next(word for word in said.split() if word.startswith("http"))
        finally:
            server.terminate()


# --- many readers -------------------------------------------------------------------------------------------------


def load(url: str, readers: int, seconds: float, config: Path, company: BenchCompany | None) -> Load:
    """Let readers read for some time while nights are published, one after another, until they have seen a new one."""
    found, stop = Load(), threading.Event()
    addresses = Addresses.of(url)
    threads = [
        threading.Thread(target=_read, args=(url, addresses, random.Random(seed), found, stop), daemon=True)  # noqa: S311
        for seed in range(readers)
    ]
    night = threading.Thread(target=_nights, args=(config, company, found, stop), daemon=True)
    for thread in (*threads, night):
        thread.start()
    stop.wait(seconds)
    until = time.perf_counter() + (_LONGEST_FOR_A_NIGHT - 1) * seconds
    while night.is_alive() and len(found.shown) < 2 and time.perf_counter() < until:
        stop.wait(1)
    stop.set()
    for thread in (*threads, night):
        thread.join()
    if found.broken:
        raise found.broken[0]
    return found


def _customers(listed: Mapping[str, Any]) -> set[str]:
    rows = [row for block in listed["blocks"].values() for row in block["rows"]]
    return {row["customer_id"] for row in rows if "customer_id" in row}


def _read(url: str, addresses: Addresses, chance: random.Random, found: Load, stop: threading.Event) -> None:
    """Read one page after another over one connection; what failed counts and is asked for anew."""
    host = urlsplit(url).netloc
    connection = http.client.HTTPConnection(host, timeout=60)
    while not stop.is_set():
        path, started = addresses.any(chance), time.perf_counter()
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body, status = answer.read(), answer.status
        except (OSError, http.client.HTTPException):
            connection.close()
            connection, body, status = http.client.HTTPConnection(host, timeout=60), b"", 0
        found.milliseconds.append(1000 * (time.perf_counter() - started))
        found.statuses[status] += 1
        found.asked.add(path)
        if path.startswith("/api/v1/") and status == 200:
            found.shown.add(json.loads(body)["as_of_date"])
    connection.close()


def _nights(config: Path, company: BenchCompany | None, found: Load, stop: threading.Event) -> None:
    """Publish one night after another, each in a process of its own; what one fails with is left in `broken`."""
    if company is None:
        return
    try:
        _publish(config, company, found, stop)
    except (ChurnError, OSError, subprocess.CalledProcessError) as error:
        found.broken.append(error)


def _publish(config: Path, company: BenchCompany, found: Load, stop: threading.Event) -> None:
    source, night = writable_source(load_settings(config), _NAME), AS_OF
    while not stop.is_set():
        night += timedelta(days=1)
        tell_a_day(source, company, night - timedelta(days=1))
        command = [sys.executable, "-m", "benchmarks.one_night", "--config", str(config), "--as-of", str(night)]
        subprocess.run(command, check=True, capture_output=True)
        if not stop.is_set():
            found.nights.append(night.isoformat())
        say(f"  the night of {night} is published")


def criteria_of(found: Load, *, publishes: bool) -> list[tuple[str, bool]]:
    """Return what has to hold, and whether it does; nights are asked for where there was somebody to publish them."""
    p95 = found.percentile(95)
    criteria = [
        (f"{found.failures} answers failed (none)", found.failures == 0),
        (f"95 % were there within {p95:.0f} ms (at most {MOST_P95_MS:.0f})", p95 <= MOST_P95_MS),
    ]
    if publishes:
        criteria += [
            (f"{len(found.nights)} nights were published meanwhile (at least 1)", len(found.nights) >= 1),
            (f"{len(found.shown)} nights were seen (at least 2)", len(found.shown) >= 2),
        ]
    return criteria


def _report(found: Load, *, publishes: bool) -> int:
    answered = ", ".join(f"{status or 'no answer'}: {count:,}" for status, count in sorted(found.statuses.items()))
    p50, p95, p99 = (found.percentile(share) for share in (50, 95, 99))
    criteria = criteria_of(found, publishes=publishes)
    columns, cells = ["answers", "p50 ms", "p95 ms", "p99 ms"], [number(one, 0) for one in (p50, p95, p99)]
    print(table(columns, [[f"{len(found.milliseconds):,} ({answered})", *cells]]))
    published, seen = ", ".join(found.nights) or "none", ", ".join(sorted(found.shown))
    print(
        f"\n{len(found.asked):,} different addresses. Nights published meanwhile: {published}; nights seen: {seen}.\n"
    )
    print(verdicts(criteria))
    return 0 if all(holds for _, holds in criteria) else 1


# --- each page alone ----------------------------------------------------------------------------------------------


def page_times(url: str) -> dict[str, list[float]]:
    """Time each page, nothing of it kept, another customer each time; the first answer warms up and is not counted."""
    ids = sorted(_customers(json.loads(get(url, "/api/v1/at-risk")[1])))
    times: dict[str, list[float]] = {}
    for path in (*FIXED, "/customer"):
        times[path] = []
        for turn in range(_TIMED_ANSWERS + 1):
            asked = f"{path}?id={quote(ids[turn % len(ids)])}" if path == "/customer" else path
            started = time.perf_counter()
            status, _ = get(url, asked)
            if status != 200:
                raise RuntimeError(f"{asked} was answered with {status}")
            times[path].append(1000 * (time.perf_counter() - started))
    return {path: taken[1:] for path, taken in times.items()}


def _report_pages(times: Mapping[str, list[float]]) -> int:
    rows = [[path, number(median(taken), 0), number(max(taken), 0)] for path, taken in times.items()]
    criteria = [
        (f"{path}: {median(taken):.0f} ms (at most {MOST_PAGE_MS:.0f})", median(taken) <= MOST_PAGE_MS)
        for path, taken in times.items()
    ]
    print(table(["page", "median ms", "slowest ms"], rows) + "\n\n" + verdicts(criteria))
    return 0 if all(holds for _, holds in criteria) else 1


if __name__ == "__main__":
    sys.exit(main())
