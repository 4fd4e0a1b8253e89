"""RavenStack, a synthetic SaaS company without signal: two years, and too few customers who ever left to learn from.

Its accounts hold ten subscriptions each, so that paid coverage hardly ever ends; `accounts.churn_flag` agrees with
neither the subscriptions nor the churn events, and is left out of the mapping.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from churn import embedded
from churn.init import render_config
from churn.warehouse import copy_in, open_database, run_ddl
from tests.conftest import MakeTemplate
from tests.e2e.bad_input_source import Outcome, run_churn

_AS_OF = "2025-01-01"
_TABLES = ("accounts", "subscriptions", "feature_usage", "support_tickets")
_TYPES = {pa.types.is_integer: "bigint", pa.types.is_boolean: "boolean", pa.types.is_timestamp: "timestamp"}

_MAPPING = {
    "customers": """
        select
            account_id as customer_id, cast(signup_date as timestamp) as signed_up_at, industry, country,
            referral_source, seats
        from accounts
    """,
    "subscriptions": """
        select
            subscription_id, account_id as customer_id, plan_tier as plan, mrr_amount as mrr,
            cast(start_date as timestamp) as started_at, cast(end_date as timestamp) as ended_at,
            case billing_frequency when 'annual' then 12 else 1 end as billing_months
        from subscriptions
    """,
    "usage_events": """
        select
            s.account_id as customer_id, cast(u.usage_date as timestamp) as occurred_at,
            u.feature_name as event_type, u.usage_count as quantity
        from feature_usage as u
        inner join subscriptions as s on u.subscription_id = s.subscription_id
    """,
    "support_tickets": """
        select
            ticket_id, account_id as customer_id, submitted_at as opened_at, closed_at, priority as severity,
            satisfaction_score as satisfaction
        from support_tickets
    """,
}


@pytest.fixture(scope="module")
def folder(
    shared_data: Path, server_home: Path, make_template: MakeTemplate, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A user's folder over the company's tables, its warehouse migrated."""
    data = shared_data / "ravenstack_saas"
    if not data.is_dir():
        pytest.skip(f"the data set RavenStack is not at {data}")
    url = embedded.database_url(server_home, make_template("ravenstack", lambda url: _load(url, data)))
    made = tmp_path_factory.mktemp("ravenstack")
    (made / "source").mkdir()
    for entity, select in _MAPPING.items():
        (made / "source" / f"{entity}.sql").write_text(select, encoding="utf-8")
    values = {"source.url": url, "warehouse.url": url, "retention.list_size": 25}
    (made / "churn.toml").write_text(render_config(values), encoding="utf-8")
    assert _churn(made, "migrate").code == 0
    return made


def test_too_few_churners_are_refused_with_the_counts_and_what_would_be_enough(folder: Path) -> None:
    refused = _churn(folder, "train", "--as-of", _AS_OF)
    assert refused.code == 14, refused.text
    found = re.search(
        r"too few churners to learn from: (\d+) of ([\d,]+) customer-months churned in (\d+) matured snapshots "
        r"\(2023-\d\d-01 to 2024-11-01\)\. At least 50 are needed",
        refused.message,
    )
    assert found, refused.message
    churners, rows, snapshots = (int(count.replace(",", "")) for count in found.groups())
    assert churners < 50 < rows
    assert snapshots >= 12


def test_without_a_model_the_list_falls_back_to_the_recency_rule_and_says_so(folder: Path) -> None:
    published = _churn(folder, "nightly", "--as-of", _AS_OF)
    assert published.code == 0, published.text
    assert "ranked by recency" in published.text
    assert "churn train" in published.text
    listed = [json.loads(line) for line in _churn(folder, "export", "at-risk", "--format", "jsonl").out.splitlines()]
    assert 15 <= len(listed) <= 25  # without those held out
    assert {row["churn_probability"] for row in listed} == {None}
    assert all(re.fullmatch(r"no activity for \d+ days", row["reason_1"]) for row in listed)


def _churn(folder: Path, *words: str) -> Outcome:
    return run_churn(*words, "--config", str(folder / "churn.toml"))


def _load(url: str, data: Path) -> None:
    """Copy the company's tables as they are; `usage_id` repeats, so there are no keys."""
    database = open_database(url, "warehouse")
    for name in _TABLES:
        table = pyarrow.parquet.read_table(data / f"ravenstack_{name}.parquet")
        columns = ", ".join(f"{field.name} {_type(field.type)}" for field in table.schema)
        with database.begin() as connection:
            run_ddl(connection, f"create table {name} ({columns})")
            copy_in(connection, f"public.{name}", tuple(table.column_names), [_csv(table)])
    database.dispose()


def _type(found: pa.DataType) -> str:
    return next((name for is_kind, name in _TYPES.items() if is_kind(found)), "text" if _is_text(found) else "float8")


def _is_text(found: pa.DataType) -> bool:
    return bool(pa.types.is_string(found) or pa.types.is_large_string(found))


def _csv(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(table, sink, pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed"))
    return bytes(sink.getvalue())
