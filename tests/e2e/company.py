"""A simulated company, its folder and its warehouse, for tests that run whole nights.

The source holds some days more than the night knows. Its mapping shows what the company would know at a moment,
`tonight.told_until`, which moves with the clock of the run.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from churn import embedded
from churn.beginning import NightOptions
from churn.config import CONFIG_FILE, Settings, load_settings
from churn.demo.company import CompanySettings, simulate_company
from churn.demo.load import load_company
from churn.init import render_config
from churn.migrate import bi_views, migrate
from churn.pipeline import run_extract, run_nightly, run_train
from churn.progress import Progress, Silence
from churn.running import Job
from churn.scoring import NightSummary
from churn.warehouse import open_database, quoted, run_ddl

AS_OF = date(2025, 11, 3)
ZONE = "Europe/Berlin"
FUTURE_DAYS = 4
LIST_SIZE = 60
HOLDOUT_SHARE = 0.2

# What differs between two runs that show the same.
LEDGER_VIEWS = ("data_quality", "extractions", "job_runs", "table_figures")

_CUSTOMERS = 1_200

_SELECTS = {
    "customers": """
        select c.customer_id, c.signed_up_at, c.country, c.industry, c.employees, c.contactable, c.updated_at
        from public.customers as c cross join public.tonight as t
        where c.signed_up_at < t.told_until
    """,
    "subscriptions": """
        select
            s.subscription_id, s.customer_id, s.plan, s.mrr, s.started_at, s.billing_months, s.discount_until,
            case when s.ended_at < t.told_until then s.ended_at end as ended_at,
            case when s.ended_at >= t.told_until then least(s.started_at, s.updated_at) else s.updated_at end
            as updated_at
        from public.subscriptions as s cross join public.tonight as t
        where s.started_at < t.told_until
    """,
    "payments": """
        select p.payment_id, p.customer_id, p.paid_at, p.amount, p.status, p.updated_at
        from public.payments as p cross join public.tonight as t
        where p.paid_at < t.told_until
    """,
    "usage_events": """
        select e.event_id, e.customer_id, e.occurred_at, e.event_type, e.quantity
        from public.usage_events as e
        where e.occurred_at < (select t.told_until from public.tonight as t)
    """,
    "support_tickets": """
        select
            k.ticket_id, k.customer_id, k.opened_at, k.severity,
            case when k.closed_at < t.told_until then k.closed_at end as closed_at,
            case when k.closed_at < t.told_until then k.satisfaction end as satisfaction,
            case when k.closed_at >= t.told_until then least(k.opened_at, k.updated_at) else k.updated_at end
            as updated_at
        from public.support_tickets as k cross join public.tonight as t
        where k.opened_at < t.told_until
    """,
}


def night_of(as_of: date) -> datetime:
    """When the night of a business date runs: a quarter past three in the morning, UTC."""
    return datetime.combine(as_of, time(3, 15), UTC)


def midnight_of(day: date) -> datetime:
    """The instant at which a business day begins."""
    return datetime.combine(day, time(), ZoneInfo(ZONE)).astimezone(UTC)


@dataclass(frozen=True)
class Office:
    """The folder that the jobs run in, the source it names and the warehouse."""

    folder: Path
    source_url: str
    warehouse_url: str

    def configure(self, **changes: Any) -> None:
        """Write churn.toml and the mapping."""
        values: dict[str, Any] = {
            "source.url": self.source_url,
            "warehouse.url": self.warehouse_url,
            "business.timezone": ZONE,
            "features.usage": [{"name": "exports", "event_type": "export", "measure": "sum"}],
            "retention.list_size": LIST_SIZE,
            "retention.holdout_share": HOLDOUT_SHARE,
            "train.snapshots": 14,
            "train.threads": 1,
            "retry.first_pause_seconds": 0,
            **{name.replace("__", "."): value for name, value in changes.items()},
        }
        (self.folder / "source").mkdir(parents=True, exist_ok=True)
        self.config.write_text(render_config(values), encoding="utf-8")
        for entity, select in _SELECTS.items():
            (self.folder / "source" / f"{entity}.sql").write_text(select, encoding="utf-8")

    @property
    def config(self) -> Path:
        return self.folder / CONFIG_FILE

    @property
    def settings(self) -> Settings:
        return load_settings(self.config)

    # ------------------------------------------------------------ the jobs

    def job(self, as_of: date = AS_OF, *, now: datetime | None = None, progress: Progress | None = None) -> Job:
        """A job that runs at a fixed time; the source tells what was known by then."""
        moment = night_of(as_of) if now is None else now
        self.tell(moment)
        return Job(self.settings, as_of, lambda: moment, progress or Silence())

    def tell(self, until: datetime) -> None:
        """Let the source say what was known at a moment."""
        self.change_source("update tonight set told_until = :until", until=until)

    def nightly(self, as_of: date = AS_OF, *, now: datetime | None = None, **options: bool) -> NightSummary:
        return run_nightly(self.job(as_of, now=now), NightOptions(**options))

    def extract(self, as_of: date = AS_OF, *, now: datetime | None = None) -> None:
        run_extract(self.job(as_of, now=now))

    # ------------------------------------------------------------ the databases

    def change_source(self, statement: str, **params: Any) -> None:
        with self._source.begin() as connection:
            connection.execute(sa.text(statement), params)

    def change_warehouse(self, statement: str, **params: Any) -> None:
        with self._warehouse.begin() as connection:
            connection.execute(sa.text(statement), params)

    def source_rows(self, query: str, **params: Any) -> list[dict[str, Any]]:
        with self._source.connect() as connection:
            return [dict(row) for row in connection.execute(sa.text(query), params).mappings()]

    def rows(self, query: str, **params: Any) -> list[dict[str, Any]]:
        """Look into the warehouse."""
        with self._warehouse.connect() as connection:
            return [dict(row) for row in connection.execute(sa.text(query), params).mappings()]

    def column(self, query: str, **params: Any) -> list[Any]:
        """The first column of a query in the warehouse."""
        return [next(iter(row.values())) for row in self.rows(query, **params)]

    def value(self, query: str, **params: Any) -> Any:
        """The one value of a query in the warehouse."""
        (found,) = self.column(query, **params)
        return found

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One transaction of a BI tool: `bi_reader` looks at one state of the warehouse, and waits for nobody."""
        with self._warehouse.connect() as plain:
            connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            connection.exec_driver_sql("set local role bi_reader")
            connection.exec_driver_sql("set local lock_timeout = '500ms'")
            connection.exec_driver_sql("set local statement_timeout = '20s'")
            yield connection

    def shown(self) -> dict[str, list[str]]:
        """All rows of all `bi` views, in one transaction, but for the ledger's views, run ids and times."""
        views = [view.name for view in bi_views() if view.name not in LEDGER_VIEWS]
        with self.reading() as connection:
            return {
                view: list(
                    connection.scalars(
                        sa.text(
                            "select regexp_replace(cast(to_jsonb(v) - "
                            "'{run_id,from_run_id,to_run_id}'::text[] as text), "
                            f"'run_id = [0-9]+', 'run_id = ?', 'g') as row from bi.{view} as v order by row"
                        )
                    )
                )
                for view in views
            }

    def features(self, as_of: date = AS_OF) -> dict[str, tuple[str, ...]]:
        """The current feature snapshot of a night: each customer's mrr, numbers and categories as text."""
        found = self.rows(
            "select k.customer_id, cast(f.mrr as text) as mrr, cast(f.numbers as text) as numbers, "
            "cast(f.categories as text) as categories "
            "from ops.snapshots as s "
            "inner join scores.feature_snapshots as f "
            "on s.snapshot_id = f.snapshot_id and s.as_of_date = f.as_of_date "
            "inner join staging.customer_keys as k on f.customer_key = k.customer_key "
            "where s.is_current and s.as_of_date = :as_of",
            as_of=as_of,
        )
        return {row["customer_id"]: (row["mrr"], row["numbers"], row["categories"]) for row in found}

    def fingerprints(self, schema: str) -> dict[str, str]:
        """For each table of a schema its number of rows and a hash of them, whatever their order."""
        tables = self.column(
            "select c.relname from pg_class as c where c.relnamespace = cast(:schema as regnamespace) "
            "and c.relkind = 'r' order by 1",
            schema=schema,
        )
        count = (
            "select count(*) || ' ' || coalesce(sum(cast(hashtextextended(cast(t.* as text), 0) as numeric)), 0) "
            "from {} as t"
        )
        return {table: self.value(count.format(f"{schema}.{quoted(table)}")) for table in tables}

    @cached_property
    def _source(self) -> sa.Engine:
        return sa.create_engine(self.source_url, poolclass=sa.NullPool)

    @cached_property
    def _warehouse(self) -> sa.Engine:
        return sa.create_engine(self.warehouse_url, poolclass=sa.NullPool)


# ---------------------------------------------------------------- templates


def fill_source(url: str) -> None:
    """Put the company into a database; nothing of it is told yet."""
    database = open_database(url, "warehouse")
    company = simulate_company(CompanySettings(as_of=AS_OF, customers=_CUSTOMERS, future_days=FUTURE_DAYS))
    with database.begin() as connection:
        load_company(company, connection)
        run_ddl(connection, "create table public.tonight (told_until timestamptz not null)")
        run_ddl(connection, "insert into public.tonight values ('2000-01-01')")


def fill_warehouse(office: Office) -> None:
    """Take an empty warehouse to its first published night: migrate, extract, train, publish."""
    office.configure()
    database = open_database(office.warehouse_url, "warehouse")
    migrate(database, office.settings.roles)
    report = run_train(office.job(now=night_of(AS_OF) - timedelta(hours=2)))
    assert report.promoted, report.notes
    office.nightly()


def copied(home: Path, template: str) -> str:
    """Copy a template database and return the copy's address."""
    name = f"company_{uuid.uuid4().hex}"
    on_server(home, f"create database {quoted(name)} template {quoted(template)} strategy file_copy")
    return embedded.database_url(home, name)


def dropped(home: Path, *urls: str) -> None:
    """Drop databases that nobody needs any more."""
    for url in urls:
        on_server(home, f"drop database {quoted(str(sa.make_url(url).database))} with (force)")


def on_server(home: Path, statement: str) -> None:
    """Run a statement that belongs to no database."""
    with open_database(embedded.database_url(home, "postgres"), "warehouse").connect() as connection:
        run_ddl(connection, statement)
