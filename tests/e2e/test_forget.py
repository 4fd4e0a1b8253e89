"""A customer who is on tonight's list is forgotten, stays in the source, and comes back nowhere."""

from __future__ import annotations

from datetime import timedelta

import pytest

from churn.cli_forget import forget as forget_command
from churn.edge import options
from churn.features.snapshot import find_snapshot
from churn.forgetting import forget
from churn.migrate import bi_views
from churn.training.data import labelled_snapshots
from churn.warehouse import open_database
from tests.e2e.company import AS_OF, Office, night_of

# Made of the rows of customers whenever they are read.
OF_ROWS = ("segments", "segment_migration")


def aggregates(office: Office) -> dict[str, list[str]]:
    named = set(office.column("select table_name from information_schema.columns where column_name = 'customer_id'"))
    return {view: rows for view, rows in office.shown().items() if view not in (*named, *OF_ROWS)}


def test_the_forgotten_stay_out_and_everything_goes_on(
    office: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = office.value(
        "select customer_id from bi.at_risk_customers where campaign_group = 'treatment' order by priority_rank limit 1"
    )
    was_scored = office.value("select count(*) from bi.customer_scores")
    before = aggregates(office)
    morning = night_of(AS_OF) + timedelta(hours=6)

    monkeypatch.setattr(options, "config", office.config)
    forget_command(customer, dry_run=True)
    assert "Nothing was written" in capsys.readouterr().out
    assert customer in office.column("select customer_id from bi.customer_scores")

    done = forget(office.job(now=morning), customer)
    assert {"staging.customers", "scores.customer_scores", "ops.campaign_members"} <= done.erased.keys()
    assert aggregates(office) == before
    assert find(office, customer) == []

    office.change_warehouse("update ops.watermarks set mapping_digest = 'another'")  # so that all is read again
    office.nightly(now=morning + timedelta(hours=1))
    assert find(office, customer) == []
    assert office.value("select count(*) from bi.customer_scores") == was_scored - 1
    counts = office.rows(
        "select entity, rows_read, rows_used + rows_quarantined + rows_forgotten as told, rows_forgotten "
        "from ops.extractions where run_id = (select max(run_id) from ops.extractions)"
    )
    assert all(row["rows_read"] == row["told"] for row in counts)
    assert sum(row["rows_forgotten"] for row in counts if row["entity"] == "customers") == 1
    assert aggregates(office)["campaign_results"] == before["campaign_results"]
    read_for_training(office)


def find(office: Office, customer: str) -> list[str]:
    """Where a customer's id stands in any row of any view or table."""
    tables = office.column(
        "select format('%I.%I', n.nspname, c.relname) from pg_class as c "
        "inner join pg_namespace as n on c.relnamespace = n.oid "
        "where n.nspname in ('staging', 'scores', 'ops') and c.relkind = 'r'"
    )
    views = [f"bi.{view.name}" for view in bi_views() if view.name != "customer_activity"]
    query = "select count(*) from {} as t where strpos(cast(t.* as text), :id) > 0"
    return [name for name in (*tables, *views) if office.value(query.format(name), id=customer)]


def read_for_training(office: Office) -> None:
    """Every snapshot holds as many customers as it says, and can be learned from."""
    miscounted = office.column(
        "select s.snapshot_id from ops.snapshots as s "
        "left join scores.feature_snapshots as f on s.as_of_date = f.as_of_date and s.snapshot_id = f.snapshot_id "
        "group by s.snapshot_id, s.customers having count(f.customer_key) <> s.customers"
    )
    assert miscounted == []
    month = office.value("select max(as_of_date) from ops.snapshots where is_current and as_of_date < '2025-08-01'")
    database = open_database(office.warehouse_url, "warehouse", role="churn_job")
    with database.begin() as connection:
        snapshot = find_snapshot(connection, month)
        assert snapshot is not None
        read = labelled_snapshots(connection, office.settings, [snapshot], AS_OF)
    database.dispose()
    assert 0 < read.data.churned.sum() < len(read.data.churned)
