"""Retention: old months go without a reader waiting, what is still needed stays, an interrupted drop is ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa

from churn import keeping, schema
from churn.config import RolesSection, Settings
from churn.errors import ChurnError, LockedError, StoppedError, TransientError, WarehouseError
from churn.keeping import KEPT_TABLES, LIST_TABLES, NIGHT_TABLES, SNAPSHOT_TABLES, Limits, tidy
from churn.migrate import migrate
from churn.partitions import drop_month, ensure_month
from churn.schema import MONTHLY_TABLES
from churn.warehouse import Claim, Database, open_database, run_ddl, writer_lock
from tests.conftest import MakeDatabase, MakeTemplate

AS_OF = date(2025, 7, 1)
NOW = datetime(2025, 7, 1, 3, tzinfo=UTC)
OLD, RECENT = date(2024, 3, 1), date(2025, 6, 1)
OLD_NIGHTS = (date(2024, 3, 5), date(2024, 3, 31))
KEEP = {"nights_days": 180, "snapshots_days": 240, "runs_days": 100, "models_days": 100}
SETTINGS = Settings(keep=KEEP, train={"snapshots": 3})
NIGHTS = (*OLD_NIGHTS, date(2025, 6, 30), AS_OF)


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "LOCK_TIMEOUT", "200ms")


class Office:
    """A warehouse of a few nights, each a customer's."""

    def __init__(self, warehouse: Database) -> None:
        self.warehouse = warehouse

    def insert(self, table: str, **values: Any) -> Any:
        with self.warehouse.begin() as connection:
            made = connection.execute(sa.insert(schema.metadata.tables[table]).values(values))
            return made.inserted_primary_key[0] if made.inserted_primary_key else None

    def night(self, as_of: date, *, days_ago: int | None = None) -> int:
        """Publish a night of a run; every table of months has that month."""
        ago = (AS_OF - as_of).days if days_ago is None else days_ago
        run_id = int(self.run(as_of, ago, versions={"churn": f"m{as_of:%Y}"}))
        with self.warehouse.begin() as connection:
            for table in (*NIGHT_TABLES, *LIST_TABLES, *SNAPSHOT_TABLES, *KEPT_TABLES):
                ensure_month(connection, table, as_of)
        row = {"as_of_date": as_of, "run_id": run_id}
        score = {**row, "customer_key": 1, "segment_id": 1, "risk_score": 0.1, "risk_percentile": 1.0}
        self.insert("scores.customer_scores", **score, risk_band="low", lifecycle_stage="mature")
        totals = {"dimension": "all", "value": "all", "customers": 1, "clv": 1, "clv_if_retained": 1}
        self.insert("scores.clv_totals", **row, **totals)
        self.insert("ops.published", **row, list_run_id=run_id, published_at=NOW, in_sample=False)
        self.insert("ops.check_results", run_id=run_id, check_name="x", severity="warn", status="passed", rows=0)
        self.insert("ops.run_stages", run_id=run_id, stage="extract", started_at=NOW)
        drift = {"feature": "f", "model_version": "m", "unseen_share": 0, "missing_share": 0}
        self.insert("ops.feature_drift", **row, **drift, missing_share_trained=0, status="ok")
        return run_id

    def run(self, as_of: date, days_ago: int, **values: Any) -> Any:
        started = NOW - timedelta(days=days_ago)
        row = {"job": "nightly", "status": "succeeded", "config_digest": "x", "is_swept": True}
        return self.insert("ops.runs", **{**row, "as_of_date": as_of, "started_at": started, **values})

    def snapshot(self, as_of: date) -> int:
        with self.warehouse.begin() as connection:
            ensure_month(connection, "feature_snapshots", as_of)
        row = {"origin": "captured", "population": "contractual", "basis_digest": "x", "feature_set_id": 1}
        made = {**row, "customers": 1, "is_current": True, "run_id": 1, "created_at": NOW}
        return int(self.insert("ops.snapshots", as_of_date=as_of, **made))

    def model(self, version: str, trained: date, status: str = "retired", kind: str = "churn") -> None:
        row = {"artifact": "{}", "sha256": "x", "created_at": NOW, "run_id": 1, "reason": "x", "details": {}}
        self.insert("ops.models", model_version=version, kind=kind, status=status, trained_as_of=trained, **row)
        counts = {"from_as_of_date": trained, "to_as_of_date": trained, "customer_months": 1, "churners": 1}
        self.insert("ops.model_performance", model_version=version, evaluation="test", **counts)

    def cut_off(self, table: str) -> None:
        """Begin to drop the old month while somebody reads, and go no further."""
        with self.warehouse.begin() as holder, self.warehouse.engine.connect() as connection:
            holder.execute(sa.text(f"select 1 from scores.{table} limit 1"))
            plain = connection.execution_options(isolation_level="AUTOCOMMIT")
            run_ddl(plain, "set lock_timeout = '100ms'")
            with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
                drop_month(plain, connection, table, OLD)

    def tidy(self, *, as_of: date = AS_OF, hours: int = 0) -> list[str]:
        return tidy(self.warehouse, SETTINGS, as_of, NOW + timedelta(hours=hours))

    def months(self, table: str) -> set[str]:
        query = "select relname from pg_class where relkind = 'r' and starts_with(relname, :name)"
        with self.warehouse.begin() as connection:
            return {name[-7:] for name in connection.scalars(sa.text(query), {"name": f"{table}_2"})}

    def column(self, query: str) -> list[Any]:
        with self.warehouse.begin() as connection:
            return list(connection.scalars(sa.text(query)))


def fill(url: str) -> None:
    database = open_database(url, "warehouse")
    migrate(database, RolesSection())
    database.dispose()
    database = open_database(url, "warehouse", role="churn_job")
    made = Office(database)
    for night in NIGHTS:
        made.night(night)
    database.dispose()


@pytest.fixture
def office(make_template: MakeTemplate, make_database: MakeDatabase) -> Iterator[Office]:
    """A warehouse of four nights, two of them long ago."""
    url = make_database(make_template("nights_to_keep", fill))
    database = open_database(url, "warehouse", role="churn_job")
    yield Office(database)
    database.dispose()


@pytest.fixture
def reader(office: Office) -> Iterator[Any]:
    """A session of a BI tool in one REPEATABLE READ transaction, that waits for nobody."""
    url = office.warehouse.engine.url.set(drivername="postgresql")
    connection = psycopg2.connect(url.render_as_string(hide_password=False))
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    cursor = connection.cursor()
    cursor.execute("set role bi_reader")
    connection.commit()
    cursor.execute("set local lock_timeout = '100ms'")
    yield cursor
    connection.close()


def test_a_month_is_withdrawn_one_night_and_dropped_another(office: Office) -> None:
    office.tidy()
    assert office.column("select as_of_date from ops.published order by 1") == list(NIGHTS[2:])
    assert office.column("select as_of_date from ops.past_nights order by 1") == list(OLD_NIGHTS)
    assert "2024_03" in office.months("customer_scores")
    office.tidy(hours=24)
    for table in NIGHT_TABLES:
        assert office.months(table) == {"2025_06", "2025_07"}, table


def test_two_tidyings_within_the_hour_leave_the_rows_to_readers_of_before(office: Office) -> None:
    office.tidy()
    office.tidy()
    assert "2024_03" in office.months("customer_scores")


def test_a_reader_s_open_transaction_goes_on_and_new_readers_don_t_wait(office: Office, reader: Any) -> None:
    query = "select count(*) from bi.customer_scores_history"
    office.column("insert into staging.customer_keys (customer_id) values ('c') returning 1")
    reader.execute(query)
    assert reader.fetchall() == [(4,)]
    office.tidy()
    notes = office.tidy(hours=24)
    assert any("still being read" in note for note in notes)
    reader.execute(query)
    assert reader.fetchall() == [(4,)]
    assert office.column(f"set lock_timeout = '100ms'; {query}") == [2]
    reader.connection.rollback()
    office.tidy(hours=48)
    assert office.months("customer_scores") == {"2025_06", "2025_07"}


def test_a_drop_that_was_cut_off_in_the_middle_is_ended(office: Office) -> None:
    office.tidy()
    with office.warehouse.connect() as connection:
        run_ddl(connection, "alter table scores.insights detach partition scores.insights_2024_03 concurrently")
    office.cut_off("customer_scores")
    assert office.column("select cast(inhrelid as regclass)::text from pg_inherits where inhdetachpending") == [
        "scores.customer_scores_2024_03"
    ]
    office.tidy(hours=24)
    assert office.months("customer_scores") == office.months("insights") == {"2025_06", "2025_07"}


@pytest.mark.parametrize("is_ended", [True, False])
def test_a_night_of_a_month_that_was_being_dropped_can_be_made_again(office: Office, is_ended: bool) -> None:
    table, month = "customer_scores", "scores.customer_scores_2024_03"
    if is_ended:
        with office.warehouse.connect() as connection:
            run_ddl(connection, f"alter table scores.{table} detach partition {month} concurrently")
    else:
        office.cut_off(table)
    with office.warehouse.begin() as connection:
        ensure_month(connection, table, OLD_NIGHTS[0])
    assert office.column(f"select count(*) from {month}") == [0]
    assert office.column("select count(*) from pg_inherits where inhdetachpending") == [0]


def test_a_table_of_usage_that_somebody_detached_is_not_dropped(office: Office) -> None:
    with office.warehouse.begin() as connection:
        run_ddl(connection, "create table staging.usage_daily_2024_03 (x int)")
    with pytest.raises(Exception, match="no partition"), office.warehouse.begin() as connection:
        ensure_month(connection, "usage_daily", OLD)
    assert office.column("select count(*) from staging.usage_daily_2024_03") == [0]


def test_the_latest_night_stays_whatever_its_age(warehouse: Database) -> None:
    office = Office(warehouse)
    office.night(OLD_NIGHTS[0])
    office.night(OLD_NIGHTS[1])
    office.tidy()
    office.tidy(hours=24)
    assert office.column("select as_of_date from ops.published") == [OLD_NIGHTS[1]]
    assert office.column("select count(*) from scores.customer_scores") == [2]
    assert office.column("select count(*) from ops.run_stages") == [1]


def test_what_past_months_are_made_of_is_never_dropped(office: Office) -> None:
    office.tidy()
    office.tidy(hours=24)
    assert set(NIGHT_TABLES) | set(LIST_TABLES) | set(SNAPSHOT_TABLES) | set(KEPT_TABLES) == {
        name for name, table in MONTHLY_TABLES.items() if table.schema == "scores"
    }
    for table in KEPT_TABLES:
        assert "2024_03" in office.months(table)
    assert office.column("select count(*) from scores.clv_totals") == [4]


def test_snapshots_that_training_could_ask_for_stay(warehouse: Database) -> None:
    limits = Limits.of(Settings(keep={"snapshots_days": 93}, train={"snapshots": 36}), AS_OF, NOW)
    assert limits.snapshots < date(2022, 5, 1)
    office = Office(warehouse)
    office.night(AS_OF)
    kept = [office.snapshot(day) for day in (date(2024, 2, 1), date(2024, 12, 1), date(2025, 3, 1))]
    office.tidy()
    assert office.column("select snapshot_id from ops.snapshots order by 1") == kept[1:]
    office.tidy(hours=24)
    assert office.months("feature_snapshots") == {"2024_12", "2025_03", "2025_07"}


def test_lists_stay_for_as_long_as_training_looks_at_them(office: Office) -> None:
    limits = Limits.of(SETTINGS, AS_OF, NOW)
    assert limits.lists <= limits.snapshots - timedelta(days=SETTINGS.churn.horizon_days)
    office.tidy()
    office.tidy(hours=24)
    assert office.months("at_risk_list") == {"2025_06", "2025_07"}


def test_nights_that_wait_for_their_outcome_stay() -> None:
    settings = Settings(keep={"nights_days": 62}, churn={"horizon_days": 90, "grace_days": 14})
    assert Limits.of(settings, AS_OF, NOW).nights <= AS_OF - timedelta(days=104)


def test_old_runs_go_unless_something_kept_names_them(office: Office) -> None:
    failed = office.run(OLD, 400, status="failed")
    unswept = office.run(OLD, 400, status="failed", is_swept=False)
    measured = office.run(OLD, 400)
    outcome = {"campaign": "c", "customer_key": 1, "as_of_date": OLD, "matured_date": OLD}
    office.insert("ops.campaign_outcomes", **outcome, run_id=measured)
    office.tidy()
    left = office.column("select run_id from ops.runs order by 1")
    assert failed not in left
    assert {unswept, measured} <= set(left)
    shown = office.column("select run_id from ops.published union select list_run_id from ops.published")
    assert set(shown) <= set(left)
    assert len(left) == 4
    assert sorted(office.column("select run_id from ops.check_results")) == sorted(shown)


@pytest.mark.parametrize("status", ["succeeded", "failed"])
def test_the_last_run_of_a_model_stays_once_its_night_is_no_longer_shown(office: Office, status: str) -> None:
    office.model("champion", OLD, "champion")
    run_id = office.run(OLD, 400, status=status, versions={"churn": "champion"})
    night = {"as_of_date": OLD, "run_id": run_id, "list_run_id": run_id, "published_at": NOW, "in_sample": False}
    office.insert("ops.past_nights", **night, withdrawn_at=NOW)
    office.tidy()
    assert run_id in office.column("select run_id from ops.runs")


def test_figures_of_nights_and_closed_alerts_go_too(office: Office) -> None:
    alert = {"severity": "warn", "title": "x", "detail": "x", "opened_at": NOW, "last_seen_at": NOW}
    office.insert("ops.alerts", cause="old", **alert, closed_at=NOW - timedelta(days=101))
    office.insert("ops.alerts", cause="new", **alert, closed_at=NOW - timedelta(days=99))
    office.insert("ops.alerts", cause="open", **alert)
    office.tidy()
    assert office.column("select cause from ops.alerts order by 1") == ["new", "open"]
    assert office.column("select as_of_date from ops.feature_drift order by 1") == list(NIGHTS[2:])


def test_models_stay_that_a_night_a_rollback_or_a_rerun_needs(office: Office) -> None:
    day = date(2024, 1, 1)
    for version, trained, status in (
        ("forgotten", day, "retired"),
        ("challenger", day, "challenger"),
        ("young challenger", date(2025, 6, 1), "challenger"),
        ("m2025", day + timedelta(days=1), "retired"),
        ("in force at first", date(2024, 12, 1), "retired"),
        ("rolled back to", day + timedelta(days=2), "retired"),
        ("champion", day + timedelta(days=3), "champion"),
    ):
        office.model(version, trained, status)
    for version in ("forgotten", "rolled back to", "champion"):
        event = {"kind": "churn", "event": "promoted", "at": NOW, "actor": "x", "reason": "x"}
        office.insert("ops.model_events", model_version=version, **event)
    office.tidy()
    kept = ["champion", "in force at first", "m2025", "rolled back to", "young challenger"]
    for table in ("ops.models", "ops.model_performance"):
        assert office.column(f"select model_version from {table} order by 1") == kept
    events = office.column("select model_version from ops.model_events order by 1")
    assert events == ["champion", "rolled back to"]


def test_nothing_to_do_says_nothing(warehouse: Database) -> None:
    office = Office(warehouse)
    office.night(AS_OF)
    assert office.tidy() == []


@pytest.mark.parametrize("kind", [TransientError, WarehouseError])
def test_trouble_is_told_and_does_not_fail_a_night_that_is_out(
    office: Office, monkeypatch: pytest.MonkeyPatch, kind: type[ChurnError]
) -> None:
    def broken(*_: object) -> None:
        raise kind("The warehouse database can't be reached.", "Run the same command again.")

    monkeypatch.setattr(keeping, "_delete_runs", broken)
    (told, note) = office.tidy()
    assert "2 nights" in told
    assert note.endswith("the next night goes on: The warehouse database can't be reached.")


@pytest.mark.parametrize("kind", [LockedError, StoppedError])
def test_who_lost_the_lock_or_is_stopped_ends(
    warehouse: Database, monkeypatch: pytest.MonkeyPatch, kind: type[ChurnError]
) -> None:
    def ended(*_: object) -> None:
        raise kind("It ends.")

    monkeypatch.setattr(keeping, "_delete_runs", ended)
    with pytest.raises(kind):
        Office(warehouse).tidy()


# --- other writers ------------------------------------------------------------------------------------------------


def pause(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]) -> None:
    """Let something happen once after it was found out what is due."""
    left = [meanwhile]

    def paused(connection: Any, statement: str) -> None:
        run_ddl(connection, statement)
        if left:
            left.pop()()

    monkeypatch.setattr(keeping, "run_ddl", paused)


def test_a_run_that_lost_the_lock_while_it_slept_drops_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.tidy()
    with writer_lock(office.warehouse, Claim("nightly")) as late:

        def taken_over() -> None:
            late.release()
            with writer_lock(office.warehouse, Claim("backfill")):
                pass

        pause(monkeypatch, taken_over)
        with pytest.raises(LockedError, match="another job has taken over"):
            tidy(late.database, SETTINGS, AS_OF, NOW + timedelta(hours=24))
    for table in NIGHT_TABLES:
        assert "2024_03" in office.months(table), table


def test_nobody_takes_over_while_a_month_is_being_dropped(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = []

    def watched(*given: Any) -> None:
        with pytest.raises(TransientError, match="lock timeout"), office.warehouse.begin() as other:
            run_ddl(other, "set local lock_timeout = '20ms'; update ops.writer set fence = fence + 1")
        refused.append(given[2])
        drop_month(*given)

    office.tidy()
    monkeypatch.setattr(keeping, "drop_month", watched)
    with writer_lock(office.warehouse, Claim("nightly")) as writer:
        tidy(writer.database, SETTINGS, AS_OF, NOW + timedelta(hours=24))
    assert set(NIGHT_TABLES) <= set(refused)
    assert "2024_03" not in office.months("customer_scores")


def test_a_half_dropped_month_is_ended_by_a_run_that_holds_the_lock(office: Office) -> None:
    office.tidy()
    office.cut_off("customer_scores")
    with writer_lock(office.warehouse, Claim("nightly")) as writer:
        notes = tidy(writer.database, SETTINGS, AS_OF, NOW + timedelta(hours=24))
    assert not any("still being read" in note for note in notes)
    assert "2024_03" not in office.months("customer_scores")


def test_a_month_whose_nights_came_back_meanwhile_stays(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.tidy()
    night = {"as_of_date": OLD_NIGHTS[0], "run_id": 1, "list_run_id": 1, "published_at": NOW, "in_sample": False}
    pause(monkeypatch, lambda: office.insert("ops.published", **night))
    office.tidy(hours=24)
    assert "2024_03" in office.months("customer_scores")


def test_a_session_of_a_writer_has_its_name_and_none_is_opened_after_it_lost_the_lock(warehouse: Database) -> None:
    with writer_lock(warehouse, Claim("nightly")) as late:
        with late.database.connect() as session:
            name = session.scalar(sa.text("select current_setting('application_name')"))
        assert name == f"churn nightly #{late.fence}"
        late.release()
        with writer_lock(warehouse, Claim("train")), pytest.raises(LockedError), late.database.connect():
            pass
