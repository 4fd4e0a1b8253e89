"""What training learns from: campaigns leave it, samples stand for all, the search stays inside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from churn.features.snapshot import Snapshot, find_snapshot
from churn.partitions import ensure_month
from churn.pipeline import run_train
from churn.training.data import LabelledSnapshots, labelled_snapshots
from churn.warehouse import open_database
from tests.e2e.company import AS_OF, Office, night_of

SNAPSHOT = date(2025, 9, 1)


@pytest.fixture
def connection(published: Office) -> Iterator[sa.Connection]:
    """A transaction on the shared office that leaves nothing behind."""
    database = open_database(published.warehouse_url, "warehouse", role="churn_job")
    with database.engine.connect() as opened:
        yield opened
        opened.rollback()
    database.dispose()


def read(office: Office, connection: sa.Connection, **changes: int) -> LabelledSnapshots:
    settings = office.settings
    for name, value in changes.items():
        settings = settings.model_copy(update={"train": settings.train.model_copy(update={name: value})})
    return labelled_snapshots(connection, settings, [snapshot(connection)], AS_OF)


def snapshot(connection: sa.Connection) -> Snapshot:
    found = find_snapshot(connection, SNAPSHOT)
    assert found is not None
    return found


def list_night(connection: sa.Connection, night: date, *, holdout: int, treated: int) -> tuple[set[int], set[int]]:
    """Publish a list of customers of the snapshot at another night; gives who is treated and who is held out."""
    ensure_month(connection, "at_risk_list", night)
    keys = connection.scalars(
        sa.text(
            "select customer_key from scores.feature_snapshots where snapshot_id = :id order by customer_key limit :n"
        ),
        {"id": snapshot(connection).snapshot_id, "n": holdout + treated},
    ).all()
    columns = connection.scalars(
        sa.text(
            "select string_agg(quote_ident(column_name), ', ') from information_schema.columns "
            "where table_schema = 'scores' and table_name = 'at_risk_list' "
            "and column_name not in ('as_of_date', 'customer_key', 'campaign_group', 'priority_rank')"
        )
    ).one()
    connection.execute(
        sa.text(
            f"insert into scores.at_risk_list (as_of_date, customer_key, campaign_group, priority_rank, {columns}) "
            "select :night, k.key, case when k.place <= :holdout then 'holdout' else 'treatment' end, "
            f"k.place, {columns} from unnest(cast(:keys as bigint[])) with ordinality as k (key, place) "
            "cross join (select * from scores.at_risk_list limit 1) as one"
        ),
        {"night": night, "keys": list(keys), "holdout": holdout},
    )
    connection.execute(
        sa.text(
            "insert into ops.published (as_of_date, run_id, list_run_id, published_at, in_sample) "
            "select :night, run_id, (select run_id from scores.at_risk_list limit 1), published_at, in_sample "
            "from ops.published limit 1"
        ),
        {"night": night},
    )
    return set(keys[holdout:]), set(keys[:holdout])


def test_where_no_campaign_ran_every_customer_counts_once(published: Office, connection: sa.Connection):
    found = read(published, connection)
    assert found.data.weights is None
    assert (found.treated_left_out, found.share, found.notes) == (0, 1.0, ())
    assert found.everyone is found.data


@pytest.mark.parametrize("days", [-29, 0, 29])
def test_the_treated_leave_and_the_held_out_stand_for_them(published: Office, connection: sa.Connection, days: int):
    everybody = read(published, connection).data
    treated, held_out = list_night(connection, SNAPSHOT + timedelta(days=days), holdout=10, treated=40)
    found = read(published, connection)
    keys = found.data.customer_keys
    labelled = treated & set(everybody.customer_keys.tolist())
    assert found.treated_left_out == len(labelled) == len(everybody) - len(found.data) > 0
    assert not treated & set(keys.tolist())
    of_holdout = np.isin(keys, list(held_out))
    assert found.data.weight[of_holdout] == pytest.approx(5)
    assert (found.data.weight[~of_holdout] == 1).all()
    assert f"{len(labelled)} customer-months of customers whom a campaign was to contact" in found.notes[0]
    followed = found.everyone
    assert np.array_equal(followed.customer_keys, everybody.customer_keys)
    assert set(followed.customer_keys[followed.weight == 0].tolist()) == labelled


@pytest.mark.parametrize("days", [-30, 30])
def test_a_list_a_horizon_away_touches_nobody(published: Office, connection: sa.Connection, days: int):
    list_night(connection, SNAPSHOT + timedelta(days=days), holdout=10, treated=40)
    assert read(published, connection).data.weights is None


def test_a_list_without_a_holdout_is_left_out_whole_and_said_to_be(published: Office, connection: sa.Connection):
    list_night(connection, SNAPSHOT, holdout=0, treated=40)
    found = read(published, connection)
    assert found.unrepresented == 40
    assert found.data.weights is None or (found.data.weights == 1).all()
    assert "without a holdout" in found.notes[1]


def test_over_the_cap_whole_customers_are_sampled_and_the_share_is_known(published: Office, connection: sa.Connection):
    everybody = read(published, connection).data
    found = read(published, connection, max_rows=len(everybody) // 2)
    assert found.share == pytest.approx(0.5, abs=0.01)
    assert 0.4 < len(found.data) / len(everybody) < 0.6
    assert found.notes[0].startswith("Sampled: ")
    again = read(published, connection, max_rows=len(everybody) // 2)
    assert np.array_equal(found.data.customer_keys, again.data.customer_keys)


def test_a_search_says_what_it_tried_and_the_model_keeps_what_it_chose(office: Office):
    report = run_train(office.job(now=night_of(AS_OF) + timedelta(hours=2)), search=2)
    assert any(note.startswith("Searched 2 configurations") for note in report.notes)
    parameters = office.value(
        "select details -> 'parameters' from ops.models where model_version = :v", v=report.model_version
    )
    artifact = office.value(
        "select cast(artifact as jsonb) -> 'settings' from ops.models where model_version = :v", v=report.model_version
    )
    assert {name: parameters[name] for name in artifact} == artifact
    searched = office.value(
        "select details -> 'searched' from ops.models where model_version = :v", v=report.model_version
    )
    assert searched is not any("none was better" in note for note in report.notes)
