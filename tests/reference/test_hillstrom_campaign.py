"""Hillstrom's e-mail test through the warehouse: a campaign drawn elsewhere, with its published effects.

64,000 customers in three random arms (men's e-mail, women's e-mail, none); visit and spend in the two weeks after. The
expected figures are the arms' differences with the usual 95 % intervals (spend: Welch).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn import campaigns, embedded
from churn.columns import write_columns
from churn.config import RolesSection, Settings
from churn.migrate import migrate
from churn.partitions import ensure_month
from churn.warehouse import open_database
from tests.conftest import MakeTemplate

ENTRY = date(2025, 3, 1)
KNOWN = ENTRY + timedelta(days=14)
AT = datetime(2025, 3, 15, 3, tzinfo=UTC)
RUN = 1
SETTINGS = Settings(churn={"definition": "inactivity", "horizon_days": 14, "inactivity_days": 400})
ARMS = {"Mens E-Mail": "mens", "Womens E-Mail": "womens", "No E-Mail": ""}


def load_business(connection: Connection, mailing: pa.Table) -> None:
    """A business by inactivity: each customer bought some months before; visits are usage, spend is payments."""
    keys = np.arange(1, mailing.num_rows + 1)
    ids = np.char.add("h", keys.astype(str))
    connection.execute(
        sa.text("insert into staging.customer_keys (customer_key, customer_id) overriding system value "
                "select n, 'h' || n from generate_series(1, :n) as s (n)"), {"n": len(keys)},
    )  # fmt: skip
    recency, spend = (mailing[name].to_numpy() for name in ("recency", "spend"))
    before = np.datetime64(ENTRY) - 30 * recency.astype("timedelta64[D]")
    spenders = spend > 0
    after = np.full(int(spenders.sum()), np.datetime64(ENTRY + timedelta(days=5)))
    history = np.maximum(mailing["history"].to_numpy(), 0.01)
    for prefix, who, paid, amount in [
        ("before", keys, before, history),
        ("after", keys[spenders], after, spend[spenders]),
    ]:
        write_columns(connection, "staging.payments", [payments(prefix, who, paid, amount)])
    visitors = keys[mailing["visit"].to_numpy() == 1]
    ensure_month(connection, "usage_daily", ENTRY)
    visits = {
        "customer_key": visitors,
        "usage_date": np.full(len(visitors), str(ENTRY + timedelta(days=3))),
        "event_type": np.full(len(visitors), "visit"),
        "events": np.ones(len(visitors), dtype=int),
        "quantity": np.zeros(len(visitors), dtype=int),
    }
    write_columns(connection, "staging.usage_daily", [visits])
    assert len(set(ids)) == len(ids)


def payments(prefix: str, keys: Any, paid: Any, amount: Any) -> dict[str, Any]:
    days = np.datetime_as_string(paid, unit="D")
    n = len(keys)
    return {
        "payment_id": np.char.add(prefix, keys.astype(str)),
        "customer_key": keys,
        "paid_at": np.char.add(days, " 12:00"),
        "paid_date": days,
        "amount": np.round(amount, 2),
        "status": np.full(n, "paid"),
        "valid_from": np.full(n, "0001-01-01 00:00"),
        "valid_to": np.full(n, "9999-12-31 00:00"),
        "learned_at": np.full(n, "2025-03-01 00:00"),
    }


def sheet_of(mailing: pa.Table) -> bytes:
    """The mailing as its sender would give it: who was in which arm, and what was sent on the first day."""
    arms = [ARMS[name] for name in mailing["segment"].to_pylist()]
    table = pa.table(
        {
            "customer_id": [f"h{number}" for number in range(1, len(arms) + 1)],
            "campaign_group": ["treatment" if arm else "holdout" for arm in arms],
            "offer": arms,
            "assigned_date": [ENTRY.isoformat()] * len(arms),
            "sent_date": [ENTRY.isoformat() if arm else "" for arm in arms],
        }
    )
    out = pa.BufferOutputStream()
    pyarrow.csv.write_csv(table, out)
    return bytes(out.getvalue())


def fill(url: str, mailing: pa.Table) -> None:
    """Run the campaign in an empty database: record it, let the two weeks pass, measure."""
    owner = open_database(url, "warehouse")
    migrate(owner, RolesSection())
    owner.dispose()
    warehouse = open_database(url, "warehouse", role="churn_job")
    with warehouse.begin() as connection:
        load_business(connection, mailing)
        sheet = campaigns.open_sheet([sheet_of(mailing)], "hillstrom.csv", "UTC")
        done = campaigns.record(connection, SETTINGS, sheet, campaigns.Request("hillstrom", KNOWN), RUN, at=AT)
        assert (done.members, done.rows_refused, done.kind) == (64_000, 0, "recorded")
        assert campaigns.measure_outcomes(connection, SETTINGS, KNOWN, RUN) == 64_000
        assert campaigns.store_results(connection, SETTINGS, KNOWN, RUN, at=AT) == 3
    warehouse.dispose()


@pytest.fixture(scope="module")
def results(make_template: MakeTemplate, server_home: Path, shared_data: Path) -> dict[str, dict[str, Any]]:
    """Rows of `bi.campaign_results`, by arm."""
    mailing = pyarrow.parquet.read_table(shared_data / "hillstrom" / "hillstrom.parquet")
    name = make_template("hillstrom_campaign", lambda url: fill(url, mailing))
    warehouse = open_database(embedded.database_url(server_home, name), "warehouse")
    with warehouse.begin() as connection:
        rows = connection.execute(sa.text("select * from bi.campaign_results")).mappings().all()
    warehouse.dispose()
    return {row["arm"]: dict(row) for row in rows}


def interval(row: dict[str, Any], name: str) -> list[float]:
    return [float(row[f"{name}{end}"]) for end in ("", "_low", "_high")]


def test_the_published_effects_come_out_of_the_warehouse(results: dict[str, dict[str, Any]]) -> None:
    mens, womens = results["mens"], results["womens"]
    assert [mens["assigned_treatment"], womens["assigned_treatment"]] == [21_307, 21_387]
    assert mens["assigned_holdout"] == womens["assigned_holdout"] == results["all"]["assigned_holdout"] == 21_306
    assert interval(mens, "incremental_active_rate") == pytest.approx([0.0766, 0.0700, 0.0832], abs=1e-4)
    assert interval(womens, "incremental_active_rate") == pytest.approx([0.0452, 0.0389, 0.0516], abs=1e-4)
    assert interval(mens, "incremental_revenue_each") == pytest.approx([0.770, 0.485, 1.055], abs=1e-3)
    assert interval(womens, "incremental_revenue_each") == pytest.approx([0.424, 0.169, 0.680], abs=1e-3)


def test_sides_are_the_arms_plain_means(results: dict[str, dict[str, Any]]) -> None:
    assert results["mens"]["active_rate_treatment"] == pytest.approx(0.182757, abs=1e-6)
    assert results["womens"]["active_rate_treatment"] == pytest.approx(0.151400, abs=1e-6)
    assert results["mens"]["active_rate_holdout"] == pytest.approx(0.106167, abs=1e-6)
    assert results["mens"]["retained_rate_treatment"] == pytest.approx(0.012531, abs=1e-6)
    assert results["womens"]["retained_rate_holdout"] == pytest.approx(0.005726, abs=1e-6)
    assert float(results["womens"]["revenue_per_treatment"]) == pytest.approx(1.077202, abs=1e-4)


def test_the_verdict_says_so(results: dict[str, dict[str, Any]]) -> None:
    assert results["mens"]["verdict"].startswith("It kept customers: 0.7 points more stayed than without it")
    assert "changed by +0.77 USD per treated customer (+0.49 to +1.05)" in results["mens"]["verdict"]
    assert "No cost is known" in results["mens"]["verdict"]
