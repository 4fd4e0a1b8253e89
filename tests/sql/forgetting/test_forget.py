"""`churn forget`: nothing of the customer is left in any table, everybody else stays as they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from churn import schema
from churn.config import RolesSection, Settings
from churn.errors import ConfigError, LockedError, UsageError
from churn.forgetting import Forgotten, forget, forgotten_lines, preview, preview_lines
from churn.forgetting.catalogue import places
from churn.migrate import migrate
from churn.partitions import ensure_month
from churn.progress import Silence
from churn.running import Job
from churn.schema import MONTHLY_TABLES
from churn.tombstones import load
from churn.warehouse import Database, open_database, run_ddl
from tests.conftest import MakeDatabase, MakeTemplate
from tests.e2e.company import copied, dropped

ID, OTHER = "C-1042", "C-10423"
KEY, OTHER_KEY = 4711, 47110
NIGHT = date(2025, 7, 1)
AT = datetime(2025, 7, 1, 3, tzinfo=UTC)
NOW = datetime(2025, 7, 2, 9, tzinfo=UTC)
FOREVER = datetime(9999, 12, 31)
# Filled by the fixture itself, or about the run of the command.
BY_HAND = ("ops.tombstones", "ops.writer", "ops.runs", "ops.run_stages", "ops.quarantine", "ops.models")


def job(warehouse: Database, folder: Path, **config: Any) -> Job:
    url = warehouse.engine.url.render_as_string(hide_password=False)
    settings = Settings(warehouse={"url": url}, source={"url": url}, **config)
    return Job(settings.model_copy(update={"base_dir": folder}), NIGHT, lambda: NOW, Silence())


def row_of(table: sa.Table, customer_id: str, key: int) -> dict[str, Any]:
    """A row that names a customer wherever it can: by key, by id, in texts, in JSON, in lists."""
    return {
        column.name: value_of(column, customer_id, key)
        for column in table.columns
        if column.name != "only_row" and column.identity is None
    }


def value_of(column: sa.Column[Any], customer_id: str, key: int) -> Any:
    named = {"customer_key": key, "customer_id": customer_id}
    if column.name in named:
        return named[column.name]
    kind = column.type
    if isinstance(kind, JSONB):
        return {"customer_id": customer_id, "said": [f"customer_key {key}: not scored"], "rows": key}
    if isinstance(kind, ARRAY):
        return [1.0] if not isinstance(kind.item_type, sa.Text) else ["EU", f"friend of {customer_id}"]
    if isinstance(kind, sa.Text):
        is_key = column.primary_key or column.unique or column.name == "cause"
        return f"x{key}" if is_key else f"customer {customer_id} (customer_key {key}) failed"
    if isinstance(kind, sa.LargeBinary):
        return b"x"
    if isinstance(kind, sa.Boolean):
        return False
    if isinstance(kind, sa.DateTime):
        return AT if kind.timezone else AT.replace(tzinfo=None)
    if isinstance(kind, sa.Date):
        in_a_month = column.table.name in MONTHLY_TABLES or not column.primary_key
        return NIGHT if in_a_month else NIGHT.replace(day=key % 28 + 1)
    return 7 if not column.primary_key else key % 1000


@pytest.fixture
def full(make_template: MakeTemplate, make_database: MakeDatabase) -> Iterator[Database]:
    """Every table holds a row of the customer and one of somebody whose id and key begin alike."""
    database = open_database(make_database(make_template("full_warehouse", fill)), "warehouse", role="churn_job")
    yield database
    database.dispose()


@dataclass(frozen=True)
class Erased:
    """The full warehouse without the customer, for tests that only look.

    `before` are its rows as they were, `others` those of somebody else or of nobody.
    """

    database: Database
    folder: Path
    before: dict[str, str]
    others: dict[str, Any]
    done: Forgotten


@pytest.fixture(scope="module")
def erased(
    make_template: MakeTemplate, server_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Erased]:
    url = copied(server_home, make_template("full_warehouse", fill))
    database, folder = open_database(url, "warehouse", role="churn_job"), tmp_path_factory.mktemp("erased")
    before, others = texts(database), rows_of_others(database)
    yield Erased(database, folder, before, others, forget(job(database, folder), ID))
    database.dispose()
    dropped(server_home, url)


def fill(url: str) -> None:
    migrated = open_database(url, "warehouse")
    migrate(migrated, RolesSection())
    migrated.dispose()
    warehouse = open_database(url, "warehouse", role="churn_job")
    with warehouse.begin() as connection:
        for check in connection.execute(
            sa.text(
                "select cast(conrelid as regclass) as place, conname from pg_constraint "
                "where contype = 'c' and connamespace = any(cast(:names as regnamespace[])) and conparentid = 0"
            ),
            {"names": ["staging", "scores", "ops"]},
        ):
            run_ddl(connection, f"alter table {check.place} drop constraint {check.conname}")
        for table in schema.metadata.sorted_tables:
            if str(table) in BY_HAND:
                continue
            if table.name in MONTHLY_TABLES:
                ensure_month(connection, table.name, NIGHT)
            for customer_id, key in ((ID, KEY), (OTHER, OTHER_KEY)):
                insert = sa.insert(table)
                if table.name == "customer_keys":
                    query = "insert into staging.customer_keys overriding system value values (:key, :id)"
                    connection.execute(sa.text(query), {"key": key, "id": customer_id})
                else:
                    connection.execute(insert, row_of(table, customer_id, key))
        fill_by_hand(connection)
    warehouse.dispose()


def fill_by_hand(connection: sa.Connection) -> None:
    ledger = {"as_of_date": NIGHT, "status": "failed", "started_at": AT, "config_digest": "x"}
    error = f"Customer {ID} can't be read; {OTHER} can; customer_key {KEY}, customer_key {OTHER_KEY}"
    connection.execute(sa.insert(schema.runs), {**ledger, "job": "nightly", "error": error})
    connection.execute(
        sa.insert(schema.quarantine),
        [
            {"run_id": 1, "entity": entity, "reason": "x", "rows": 4, "samples": [sample, OTHER, "pay-1"]}
            for entity, sample in (
                ("customers", ID),
                ("usage_events", f"{ID} 2025-06-01 login"),
                ("payments", f"x{KEY}"),
                ("support_tickets", f"t-{ID}-3"),
            )
        ],
    )
    model = {"status": "retired", "sha256": "x", "trained_as_of": NIGHT, "created_at": AT, "run_id": 1, "reason": "x"}
    for name, text in (("naming", f'{{"levels": ["{ID}"]}}'), ("plain", f'{{"levels": ["{OTHER}"]}}')):
        row = {**model, "model_version": name, "kind": "churn", "artifact": text, "details": {}}
        connection.execute(sa.insert(schema.models), row)


def texts(warehouse: Database) -> dict[str, str]:
    """Every row of every table of ours as one text, by brute force."""
    query = (
        "select format('%I.%I', n.nspname, c.relname) from pg_class as c "
        "inner join pg_namespace as n on c.relnamespace = n.oid "
        "where n.nspname in ('staging', 'scores', 'ops') and c.relkind = 'r' order by 1"
    )
    with warehouse.begin() as connection:
        return {
            name: str(connection.scalar(sa.text(f"select string_agg(cast(t.* as text), E'\n') from {name} as t")))
            for name in connection.scalars(sa.text(query)).all()
        }


def without_the_others(text: str) -> str:
    return text.replace(OTHER, "").replace(str(OTHER_KEY), "")


def rows_of_others(warehouse: Database) -> dict[str, Any]:
    """The rows of whoever isn't the customer, by table."""
    tables = [str(table) for table in schema.metadata.sorted_tables if "customer_key" in table.columns]
    query = "select string_agg(cast(t.* as text), ';') from {} as t where customer_key = 47110 or customer_key is null"
    with warehouse.begin() as connection:
        return {name: connection.scalar(sa.text(query.format(name))) for name in tables}


def test_nothing_of_the_customer_is_found_in_any_table(erased: Erased) -> None:
    named = [name for name, text in erased.before.items() if ID in without_the_others(text)]
    assert len(named) > 25, "the fixture names the customer nearly everywhere"
    after = {name: without_the_others(text) for name, text in texts(erased.database).items()}
    assert [name for name, text in after.items() if ID in text] == ["ops.models"]
    assert [name for name, text in after.items() if f"customer_key {KEY}" in text] == []


def test_every_column_that_is_a_customer_s_key_or_id_is_empty_of_it(erased: Erased) -> None:
    query = (
        "select table_schema, table_name, column_name from information_schema.columns "
        "where table_schema in ('staging', 'scores', 'ops') and column_name in ('customer_key', 'customer_id')"
    )
    with erased.database.begin() as connection:
        columns = connection.execute(sa.text(query)).all()
        assert len(columns) > 20
        for place, table, column in columns:
            count = f"select count(*) from {place}.{table} where cast({column} as text) = any(:named)"
            assert connection.scalar(sa.text(count), {"named": [ID, str(KEY)]}) == 0, f"{place}.{table}.{column}"


def test_a_table_that_nobody_told_it_of_is_emptied_of_the_customer_too(full: Database, tmp_path: Path) -> None:
    with full.begin() as connection:
        run_ddl(connection, "create unlogged table staging.load_payments (customer_id text, payment_id text)")
        run_ddl(connection, "create table scores.left_over (customer_key bigint, note text)")
        run_ddl(connection, f"insert into staging.load_payments values ('{ID}', 'p1'), ('{OTHER}', 'p2')")
        run_ddl(connection, f"insert into scores.left_over values ({KEY}, 'x'), (1, 'like customer {ID}'), (2, 'x')")
    done = forget(job(full, tmp_path), ID)
    assert (done.erased["staging.load_payments"], done.erased["scores.left_over"]) == (1, 2)
    with full.begin() as connection:
        assert connection.scalars(sa.text("select payment_id from staging.load_payments")).all() == ["p2"]
        notes = connection.scalars(sa.text("select note from scores.left_over order by 1")).all()
        assert notes == ["like customer (forgotten)", "x"]


def test_everybody_else_stays_as_they_were(erased: Erased) -> None:
    assert erased.others["scores.at_risk_list"]
    assert rows_of_others(erased.database) == erased.others


def test_samples_go_and_counts_stay(erased: Erased) -> None:
    with erased.database.begin() as connection:
        rows = connection.execute(sa.select(schema.quarantine.c.rows, schema.quarantine.c.samples)).all()
    assert sorted(rows) == [(4, []), (4, []), *[(4, [OTHER, "pay-1"])] * 2]


def add_customer(warehouse: Database, customer_id: str, key: int, **attributes: str) -> None:
    query = "insert into staging.customer_keys overriding system value values (:key, :id)"
    version = {"valid_from": AT.replace(tzinfo=None), "valid_to": FOREVER, "learned_at": AT.replace(tzinfo=None)}
    signed_up = {"signed_up_at": AT.replace(tzinfo=None), "signed_up_date": NIGHT}
    with warehouse.begin() as connection:
        connection.execute(sa.text(query), {"key": key, "id": customer_id})
        row = {"customer_id": customer_id, "customer_key": key, "attributes": attributes, **signed_up, **version}
        connection.execute(sa.insert(schema.customers), row)
        for name, value in attributes.items():
            each = {"customer_key": key, "name": name, "text_value": value, **version}
            connection.execute(sa.insert(schema.customer_attributes), each)


def add_run(warehouse: Database, error: str) -> int:
    ledger = {"job": "nightly", "as_of_date": NIGHT, "status": "failed", "started_at": AT, "config_digest": "x"}
    with warehouse.begin() as connection:
        run_id = connection.scalar(sa.insert(schema.runs).values(**ledger, error=error).returning(schema.runs.c.run_id))
    assert run_id is not None
    return run_id


@pytest.mark.parametrize("customer_id", ["10427", "C-1042"])
def test_no_sample_of_an_old_error_stays(warehouse: Database, tmp_path: Path, customer_id: str) -> None:
    start = "3 of 9 rows of usage_events can't be used, more than extract.max_quarantined_share = 0.01 allows: "
    sample = f"{customer_id} 2026-11-20 log(in)"
    end = ". Nothing was changed. In source/usage_events.sql, leave such rows out."
    texts_of = [
        f"{start}1 not finite (such as {sample}); 2 time missing (such as 7, {sample}){end}",
        f"{start}1 not finite (such as {sample}, 104",
    ]
    runs = [add_run(warehouse, text) for text in texts_of]
    stage = {"run_id": runs[0], "stage": "extract", "started_at": AT, "error": texts_of[0]}
    alert = {"cause": "x", "severity": "fail", "title": "x", "opened_at": AT, "last_seen_at": AT}
    with warehouse.begin() as connection:
        connection.execute(sa.insert(schema.run_stages), stage)
        connection.execute(sa.insert(schema.alerts), {**alert, "detail": texts_of[0]})
    add_customer(warehouse, customer_id, 5)
    done = forget(job(warehouse, tmp_path), customer_id)
    assert (done.erased["ops.runs"], done.erased["ops.run_stages"], done.erased["ops.alerts"]) == (2, 1, 1)
    assert [name for name, text in texts(warehouse).items() if customer_id in text] == []
    with warehouse.begin() as connection:
        errors = connection.scalars(sa.select(schema.runs.c.error).where(schema.runs.c.run_id.in_(runs)))
        assert sorted(errors) == sorted([f"{start}1 not finite; 2 time missing{end}", f"{start}1 not finite"])


def test_ids_of_the_customer_s_rows_leave_texts_and_samples(warehouse: Database, tmp_path: Path) -> None:
    add_customer(warehouse, ID, 5)
    version = {"valid_from": AT.replace(tzinfo=None), "valid_to": FOREVER, "learned_at": AT.replace(tzinfo=None)}
    paid = {"customer_key": 5, "paid_at": AT.replace(tzinfo=None), "paid_date": NIGHT, "amount": 1, "status": "paid"}
    detail = "payment PAY-7: an amount that can't be; payment PAY-77: an amount that can't be"
    check = {"check_name": "payments", "severity": "fail", "status": "failed", "rows": 2, "detail": detail}
    with warehouse.begin() as connection:
        connection.execute(sa.insert(schema.payments), {"payment_id": "PAY-7", **paid, **version})
        connection.execute(sa.insert(schema.check_results), {"run_id": 1, **check})
        sample = {"run_id": 1, "entity": "payments", "reason": "not_finite", "rows": 2, "samples": ["PAY-9", "PAY-11"]}
        connection.execute(sa.insert(schema.quarantine), sample)
    forget(job(warehouse, tmp_path), ID)
    with warehouse.begin() as connection:
        assert connection.execute(sa.select(schema.quarantine.c.rows, schema.quarantine.c.samples)).one() == (2, [])
        told = connection.scalar(sa.select(schema.check_results.c.detail))
    assert told == detail.replace("PAY-7:", "(forgotten):")


def test_keys_and_labels_of_others_are_left_as_the_source_has_them(warehouse: Database, tmp_path: Path) -> None:
    add_customer(warehouse, "CUST-77", 5)
    add_customer(warehouse, "CUST-77-EU", 6, region="EU-CUST-77-EU")
    error = "customer CUST-77-EU has no plan; CUST-77."
    run_id = add_run(warehouse, error)
    version = {"valid_from": AT.replace(tzinfo=None), "valid_to": FOREVER, "learned_at": AT.replace(tzinfo=None)}
    started = {"mrr": 1, "started_at": AT.replace(tzinfo=None), "started_date": NIGHT, **version}
    keys = [("CUST-77-EU-s1", 6, "made for CUST-77"), ("CUST-77 s2", 6, "p"), ("s3", 5, "p")]
    with warehouse.begin() as connection:
        for key, customer, plan in keys:
            row = {"subscription_id": key, "customer_key": customer, "plan": plan, **started}
            connection.execute(sa.insert(schema.subscriptions), row)
    done = forget(job(warehouse, tmp_path), "CUST-77")
    with warehouse.begin() as connection:
        query = sa.select(schema.subscriptions.c.subscription_id, schema.subscriptions.c.plan)
        assert set(connection.execute(query).all()) == {(key, plan) for key, customer, plan in keys if customer == 6}
        assert connection.scalars(sa.select(schema.customers.c.attributes)).all() == [{"region": "EU-CUST-77-EU"}]
        told = connection.scalar(sa.select(schema.runs.c.error).where(schema.runs.c.run_id == run_id))
    assert told == "customer CUST-77-EU has no plan; (forgotten)."
    assert done.kept == ("staging.subscriptions.subscription_id", "staging.subscriptions.plan")
    assert "staging.subscriptions.plan" in "".join(forgotten_lines(done))


@pytest.mark.parametrize("customer_id", ["CUST-77", "C-77", "10427"])
def test_who_was_another_s_attribute_is_not_any_more(warehouse: Database, tmp_path: Path, customer_id: str) -> None:
    add_customer(warehouse, customer_id, 5)
    add_customer(warehouse, "B", 6, referred_by=customer_id, tier="7", note=f"{customer_id}0")
    done = forget(job(warehouse, tmp_path), customer_id)
    assert (done.erased["staging.customers"], done.erased["staging.customer_attributes"]) == (2, 1)
    rest = {"tier": "7", "note": f"{customer_id}0"}
    with warehouse.begin() as connection:
        assert connection.scalars(sa.select(schema.customers.c.attributes)).all() == [rest]
        query = sa.select(schema.customer_attributes.c.name, schema.customer_attributes.c.text_value)
        assert {row.name: row.text_value for row in connection.execute(query)} == rest


def test_a_short_number_is_no_customer_among_attributes(warehouse: Database, tmp_path: Path) -> None:
    add_customer(warehouse, "7", 5)
    add_customer(warehouse, "B", 6, tier="7")
    done = forget(job(warehouse, tmp_path), "7")
    with warehouse.begin() as connection:
        assert connection.scalars(sa.select(schema.customers.c.attributes)).all() == [{"tier": "7"}]
    assert "short word" in "".join(forgotten_lines(done))


@pytest.mark.parametrize("given", ["7f9c-AB", " 7F9C-ab", "7F9C-AB\n"])
def test_an_id_in_another_spelling_is_refused_with_the_right_one(
    warehouse: Database, tmp_path: Path, given: str
) -> None:
    add_customer(warehouse, "7F9C-ab", 5)
    for act in (forget, preview):
        with pytest.raises(UsageError, match="'7F9C-ab'"):
            act(job(warehouse, tmp_path), given)
    with warehouse.begin() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(schema.runs)) == 0
        assert connection.scalar(sa.select(sa.func.count()).select_from(schema.tombstones)) == 0


def test_another_spelling_of_who_was_forgotten_may_be_somebody_else(warehouse: Database, tmp_path: Path) -> None:
    forget(job(warehouse, tmp_path), "anna-1")
    add_customer(warehouse, "Anna-1", 5)
    assert not forget(job(warehouse, tmp_path), "anna-1").was_known


def test_texts_lose_the_name_alone(erased: Erased) -> None:
    with erased.database.begin() as connection:
        error = connection.scalar(sa.select(schema.runs.c.error).where(schema.runs.c.job == "nightly"))
    assert error == (
        f"Customer (forgotten) can't be read; {OTHER} can; customer_key (forgotten), customer_key {OTHER_KEY}"
    )


def test_what_a_campaign_counts_stays_in_a_row_of_nobody(erased: Erased) -> None:
    with erased.database.begin() as connection:
        keys = [
            set(connection.scalars(sa.select(table.c.customer_key)).all()) - {OTHER_KEY}
            for table in (schema.campaign_members, schema.campaign_contacts, schema.campaign_outcomes)
        ]
    assert all(len(found) == 1 and max(found) < 0 for found in keys)


def test_a_snapshot_says_how_many_it_holds_now(full: Database, tmp_path: Path) -> None:
    with full.begin() as connection:
        places_of = "update scores.feature_snapshots set snapshot_id = (select min(snapshot_id) from ops.snapshots)"
        connection.execute(sa.text(places_of))
        connection.execute(sa.update(schema.snapshots).values(customers=2))
        first = connection.scalar(sa.select(sa.func.min(schema.snapshots.c.snapshot_id)))
    forget(job(full, tmp_path), ID)
    with full.begin() as connection:
        query = sa.select(schema.snapshots.c.customers).order_by(schema.snapshots.c.snapshot_id)
        assert connection.scalars(query).all() == [1, 2]
        rows = sa.select(sa.func.count()).select_from(schema.feature_snapshots)
        assert connection.scalar(rows.where(schema.feature_snapshots.c.snapshot_id == first)) == 1


def test_the_ranks_of_a_list_have_no_gap(full: Database, tmp_path: Path) -> None:
    with full.begin() as connection:
        connection.execute(sa.text("update scores.at_risk_list set run_id = 1, priority_rank = 1"))
        connection.execute(sa.text("update scores.at_risk_list set priority_rank = 2 where customer_key = 47110"))
    forget(job(full, tmp_path), ID)
    with full.begin() as connection:
        assert connection.scalars(sa.select(schema.at_risk_list.c.priority_rank)).all() == [1]


def test_doing_it_twice_changes_nothing_and_says_so(full: Database, tmp_path: Path) -> None:
    first, again = forget(job(full, tmp_path), ID), forget(job(full, tmp_path), ID)
    assert first.was_known
    assert (again.was_known, again.erased, again.digest_prefix) == (False, {}, first.digest_prefix)
    with full.begin() as connection:
        (stone,) = connection.execute(sa.select(schema.tombstones)).mappings().all()
        assert stone["rows"] == first.erased
        assert bytes(stone["digest"]).hex()[:12] == first.digest_prefix


def test_an_id_that_nobody_knows_gets_a_tombstone_all_the_same(warehouse: Database, tmp_path: Path) -> None:
    work = job(warehouse, tmp_path)
    done = forget(work, "never-seen-1")
    assert not done.was_known
    with warehouse.begin() as connection:
        stones = load(connection, work.settings)
    assert stones is not None
    assert stones.forgotten(["a", "never-seen-1"]) == ["never-seen-1"]


def test_a_dry_run_counts_what_would_go_and_writes_nothing(full: Database, tmp_path: Path) -> None:
    before = texts(full)
    found = preview(job(full, tmp_path), ID)
    assert texts(full) == before
    assert not (tmp_path / ".churn").exists()
    done = forget(job(full, tmp_path), ID)
    assert found.keys() == done.erased.keys()
    assert any("staging.payments" in line for line in preview_lines(found))


def test_what_is_said_and_kept_never_names_the_customer(erased: Erased) -> None:
    done = erased.done
    lines = "\n".join(forgotten_lines(done))
    assert ID not in without_the_others(lines)
    assert "found 0" in lines
    assert done.digest_prefix in lines
    assert done.models == ("naming",)
    key = (erased.folder / ".churn" / "forget.key").read_text("ascii").strip()
    assert key not in lines + "".join(texts(erased.database).values())


def test_tombstones_without_their_key_or_under_another_are_refused(warehouse: Database, tmp_path: Path) -> None:
    forget(job(warehouse, tmp_path), "someone-1")
    (tmp_path / ".churn" / "forget.key").rename(tmp_path / "elsewhere.key")
    with pytest.raises(ConfigError, match="not there"):
        forget(job(warehouse, tmp_path), "someone-2")
    assert not (tmp_path / ".churn" / "forget.key").exists()
    with pytest.raises(ConfigError, match="another key"):
        forget(job(warehouse, tmp_path, forget={"key": "z" * 40}), "someone-2")
    assert forget(job(warehouse, tmp_path, forget={"key_file": "elsewhere.key"}), "someone-2").digest_prefix


def test_it_does_not_write_beside_another_job(
    warehouse: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("churn.running.opening.LOCK_PATIENCE_SECONDS", 0.2)
    work = job(warehouse, tmp_path)
    with warehouse.connect() as connection:
        connection.execute(sa.text("begin"))
        connection.execute(sa.text("lock table ops.writer in share update exclusive mode"))
        with pytest.raises(LockedError):
            forget(work, ID)


@pytest.mark.parametrize("customer_id", ["", "x" * 201, "a\x00b"])
def test_what_can_be_no_id_is_refused(warehouse: Database, tmp_path: Path, customer_id: str) -> None:
    with pytest.raises(UsageError):
        forget(job(warehouse, tmp_path), customer_id)


@pytest.mark.parametrize(
    "customer_id", ["7", "o'neil; drop table ops.runs; --", 'a"b\\c%_1', "(.*)+[x]{2}", "Zoë 7 :pattern"]
)
def test_odd_ids_are_erased_and_others_with_them_in_it_are_not(
    warehouse: Database, tmp_path: Path, customer_id: str
) -> None:
    with warehouse.begin() as connection:
        for name in (customer_id, f"{customer_id}7", "75"):
            connection.execute(sa.insert(schema.customer_keys), {"customer_id": name})
        samples = [customer_id, "75 x", {"customer_id": customer_id, "line": 7}]
        row = {"run_id": 1, "entity": "customers", "reason": "x", "rows": 7, "samples": samples}
        connection.execute(sa.insert(schema.quarantine), row)
        refused = {"unknown": {"rows": 7, "samples": [{"line": 7, "customer_id": customer_id}]}}
        sheet = {"campaign": "c", "source": "s", "sha256": "x", "at": AT, "run_id": 1, "refused": refused}
        counts = dict.fromkeys(("rows_read", "rows_used", "rows_known", "rows_refused"), 7)
        connection.execute(sa.insert(schema.campaign_recordings), {**sheet, **counts})
    done: Forgotten = forget(job(warehouse, tmp_path), customer_id)
    assert done.erased == {"staging.customer_keys": 1, "ops.quarantine": 1, "ops.campaign_recordings": 1}
    with warehouse.begin() as connection:
        names = connection.scalars(sa.select(schema.customer_keys.c.customer_id)).all()
        assert sorted(names) == sorted([f"{customer_id}7", "75"])
        assert connection.scalar(sa.select(schema.quarantine.c.samples)) == ["75 x"]
        said = connection.scalar(sa.select(schema.campaign_recordings.c.refused))
        assert said == {"unknown": {"rows": 7, "samples": [{"line": 7, "customer_id": "(forgotten)"}]}}


def test_the_catalogue_holds_every_text_and_key_of_every_table(warehouse: Database) -> None:
    with warehouse.begin() as connection:
        known = {(place.name, column.name) for place in places(connection) for column in place.columns}
    for table in schema.metadata.sorted_tables:
        for column in table.columns:
            text = column.type.item_type if isinstance(column.type, ARRAY) else column.type
            if isinstance(text, sa.Text | JSONB) or column.name in ("customer_key", "customer_id"):
                assert (str(table), column.name) in known
