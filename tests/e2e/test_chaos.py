"""The short form of `make chaos`: a night for each cheap fault, and the proof that the harness finds what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from benchmarks.chaos.calm import undisturbed
from benchmarks.chaos.child import warm_up
from benchmarks.chaos.dealing import chosen, deal
from benchmarks.chaos.faults import FAULTS
from benchmarks.chaos.ground import NEXT, Ground, Scenario
from benchmarks.chaos.night import play
from benchmarks.chaos.records import Undisturbed
from tests.e2e.company import Office

SEED = 11
# Each with a number that decides its moment.
NIGHTS = (("kill", 1), ("cut", 3), ("lost-answer", 4), ("crash", 5), ("disk-full", 6), ("frozen", 7))


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A small company on a server of its own."""
    warm_up()
    made = Ground(tmp_path_factory.mktemp("chaos"), customers=300, is_trained=False)
    with made.prepared():
        yield made


@pytest.fixture(scope="module")
def known(ground: Ground) -> dict[Scenario, Undisturbed]:
    """The next night, undisturbed."""
    return {NEXT: undisturbed(ground, NEXT, times=1)}


@pytest.mark.parametrize(("name", "number"), NIGHTS)
def test_a_disturbed_night_is_made_good_by_running_it_again(
    ground: Ground, known: dict[Scenario, Undisturbed], name: str, number: int
) -> None:
    (fault,) = chosen([name])
    if fault.needs_small_disk and not ground.has_small_disk:
        pytest.skip("no file system can be mounted here, so no disk can be filled")
    outcome = play(ground, known, fault, NEXT, number=number, seed=SEED, again=False)
    assert outcome.violations == ()
    assert outcome.reruns <= 1
    assert outcome.looks > 2


def test_what_does_not_hold_is_found(ground: Ground, known: dict[Scenario, Undisturbed]) -> None:
    left: list[psycopg2.extensions.connection] = []

    def spoil(office: Office) -> None:
        office.change_warehouse("create table staging.load_customers (customer_id text)")
        office.change_warehouse("update ops.runs set status = 'running' where job = 'nightly'")
        office.change_warehouse("update scores.customer_scores set clv = clv + 1 where clv is not null")
        office.change_warehouse("delete from staging.payments")
        office.change_warehouse(
            "insert into scores.segment_nights select (jsonb_populate_record(s, '{\"run_id\": 99}')).* "
            "from scores.segment_nights as s"
        )
        (office.folder / "tmp" / "part_1").write_text("half", encoding="utf-8")
        session = psycopg2.connect(office.warehouse_url.replace("+psycopg2", ""))
        session.cursor().execute("lock table ops.published in share mode")
        left.append(session)

    (fault,) = chosen(["clock"])
    outcome = play(ground, known, fault, NEXT, number=0, seed=SEED, again=False, sabotage=spoil)
    with closing(left[0]):
        pass
    told = "\n".join(outcome.violations)
    for words in (
        "a relation is left: staging.load_customers",
        "is published and running",
        "rows are left in scores.segment_nights of run 99",
        "a view differs from the undisturbed night's: customer_scores",
        "a reader saw half a night",
        "a table of staging differs: payments",
        "sessions are left",
        "a lock is left: relation ShareLock ops.published",
        "a file is left: tmp/part_1",
    ):
        assert words in told


def test_a_seed_deals_every_fault_its_share() -> None:
    deck = sum(fault.share for fault in FAULTS)
    dealt = [deal(SEED, number, FAULTS) for number in range(deck)]
    assert {fault.name: sum(one.fault is fault for one in dealt) for fault in FAULTS} == {
        fault.name: fault.share for fault in FAULTS
    }
    assert dealt == [deal(SEED, number, FAULTS) for number in range(deck)]
    assert len({one.scenario.name for one in dealt}) == 3
