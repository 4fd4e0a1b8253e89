"""The night that nothing disturbs, which all others are compared with."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from statistics import mean

import numpy as np

from benchmarks.chaos.aftermath import files_of
from benchmarks.chaos.child import Child, complaint, events
from benchmarks.chaos.ground import Ground, Scenario
from benchmarks.chaos.looking import Reader, catalog, differences, look, staging
from benchmarks.chaos.night import Night
from benchmarks.chaos.records import Undisturbed
from churn.errors import ChurnError, WarehouseError
from tests.e2e.company import Office


def undisturbed(ground: Ground, scenario: Scenario, *, times: int = 2) -> Undisturbed:
    """Run a scenario's night where nothing disturbs it, and keep what it takes and shows.

    Parameters
    ----------
    ground : Ground
    scenario : Scenario
    times : int
        More than once shows that two such nights are the same.

    Raises
    ------
    ChurnError
        It does not succeed, or two such nights differ.
    """
    kept: list[Undisturbed] = []
    for _ in range(times):
        with ground.opened(scenario) as office:
            kept.append(_measured(ground, scenario, office))
    first, *others = kept
    for other in others:
        apart = [name for name in ("old", "new", "shown", "staged") if getattr(first, name) != getattr(other, name)]
        views = [view for name in apart for view in differences(getattr(first, name), getattr(other, name))]
        views += sorted(first.relations ^ other.relations)
        if views:
            raise ChurnError(f"Two undisturbed runs of {scenario.name} differ, in {', '.join(dict.fromkeys(views))}.")
    return Undisturbed(**{**vars(first), "seconds": mean(one.seconds for one in kept)})


def digests(known: Undisturbed) -> dict[str, str]:
    """Return a hash of all that a night shows and leaves, by what it is of: alike in every lane."""
    relations = {name: "" for name in known.relations}
    parts = {
        "before": known.old,
        "after": known.new,
        "views": known.shown,
        "staging": known.staged,
        "catalog": relations,
    }
    return {name: hashlib.sha256(json.dumps(sorted(part.items())).encode()).hexdigest() for name, part in parts.items()}


def _measured(ground: Ground, scenario: Scenario, office: Office) -> Undisturbed:
    night = Night(ground, scenario, office, None, np.random.default_rng(0), Reader(office))
    old, commits = look(office, whole=False), ground.warehouse_network.commits
    with night.reader.reading():
        child = night.begin()
        code = night.end(child)
        seconds = child.elapsed()
    if code != 0:
        said = complaint(child.command.log)
        raise WarehouseError(f"An undisturbed night ended with {code}: {said}", "Mend that first.")
    new = look(office, whole=False)
    if unfit := night.reader.violations(old, new):
        raise WarehouseError(f"In an undisturbed night, {'; '.join(unfit)}.", "Mend that first.")
    return Undisturbed(
        seconds=seconds,
        spans=_spans(child),
        commits=ground.warehouse_network.commits - commits,
        old=old,
        new=new,
        shown=look(office, whole=True),
        relations=catalog(office),
        staged=staging(office),
        files=tuple(files_of(office.folder)),
    )


def _spans(child: Child) -> dict[str, tuple[float, float]]:
    """Return when each stage began and ended, in seconds after the start of the process."""
    begun: dict[str, float] = {}
    spans = {}
    for event in events(child.command.log):
        seconds = (datetime.fromisoformat(event["time"]) - child.command.clock.start).total_seconds()
        if event["event"] == "stage started":
            begun[event["stage"]] = seconds
        elif event["event"] == "stage finished":
            spans[event["stage"]] = (begun[event["stage"]], seconds)
    return spans
