"""A shop of a few dozen customers, its folder and its warehouse, for tests of commands and of bad input.

One database holds the shop's tables (schema public) and the warehouse, so that a test copies one template.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from churn.cli import main
from churn.init import render_config

REPOSITORY = Path(__file__).resolve().parents[2]
AS_OF = "2025-06-30"
SECRET = "swordfish-4711"

TABLES = """
create table customers (customer_id text, signed_up_at timestamptz, contactable boolean);
create table subscriptions (
    subscription_id bigint, customer_id text, plan text, mrr numeric(12, 2), started_at timestamptz,
    ended_at timestamptz, billing_months int, discount_until date
);
create table payments (
    payment_id bigint, customer_id text, paid_at timestamptz, amount numeric(12, 2), status text
);
create table usage_events (customer_id text, occurred_at timestamptz, event_type text, quantity double precision);
create table support_tickets (
    ticket_id bigint, customer_id text, opened_at timestamptz, closed_at timestamptz, severity text, satisfaction int
);
"""

ROWS = """
insert into customers
select 'c' || n, timestamptz '2024-01-01 10:00+00' + n * interval '4 days', n % 10 <> 3
from generate_series(1, :customers) as n;
insert into subscriptions
select
    n, 'c' || n, case when n % 3 = 0 then 'pro' else 'basic' end, 20 + n, c.signed_up_at,
    case when n % 5 = 0 then timestamptz '2024-11-01 09:00+00' + n * interval '3 days' end, 1, null
from generate_series(1, :customers) as n
inner join customers as c on c.customer_id = 'c' || n;
insert into payments
select
    row_number() over (order by s.customer_id, d), s.customer_id, d, s.mrr,
    case when s.subscription_id % 7 = 0 and d > '2025-05-01' then 'failed' else 'paid' end
from subscriptions as s
cross join generate_series(s.started_at, coalesce(s.ended_at, timestamptz '2025-06-29'), interval '1 month') as d;
insert into usage_events
select s.customer_id, d, case when s.subscription_id % 2 = 0 then 'login' else 'export' end, 1.5
from subscriptions as s
cross join generate_series(
    timestamptz '2025-04-01 12:00+00', timestamptz '2025-06-29 12:00+00',
    (1 + s.subscription_id % 4) * interval '2 days'
) as d;
insert into support_tickets
select n, 'c' || n, timestamptz '2025-06-01 08:00+00', null, 'high', null
from generate_series(1, :customers, 6) as n;
"""

SELECTS = {
    "customers": "select customer_id, signed_up_at, contactable from customers",
    "subscriptions": "select subscription_id, customer_id, plan, mrr, started_at, ended_at, billing_months, "
    "discount_until from subscriptions",
    "payments": "select payment_id, customer_id, paid_at, amount, status from payments",
    "usage_events": "select customer_id, occurred_at, event_type, quantity from usage_events",
    "support_tickets": "select ticket_id, customer_id, opened_at, closed_at, severity, satisfaction "
    "from support_tickets",
}

# What a failed run may add to: its own line in the ledger and what it found wrong.
LEDGER_VIEWS = {"job_runs", "data_quality", "extractions"}


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str
    raw: bytes = b""

    @property
    def text(self) -> str:
        """All it printed."""
        return self.out + self.err

    @property
    def message(self) -> str:
        """The last line of stderr: the error."""
        return self.err.strip().splitlines()[-1] if self.err.strip() else ""


def run_churn(*arguments: str) -> Outcome:
    """Run the command in this process, as a user would; stdout and stderr are files, not terminals."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(list(arguments))
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    raw = out.buffer.getvalue()
    return Outcome(code, raw.decode(errors="replace"), err.buffer.getvalue().decode(), raw)


@dataclass
class Shop:
    """The shop's folder, its database, and the `churn` command run on them."""

    folder: Path
    url: str
    values: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "source").mkdir(parents=True, exist_ok=True)
        own = {"source.url": self.url, "warehouse.url": self.url, "retry.first_pause_seconds": 0}
        self.values = own | self.values
        self.map(**SELECTS)
        self.configure()

    @property
    def config(self) -> Path:
        return self.folder / "churn.toml"

    def configure(self, **changes: Any) -> None:
        """Write churn.toml; `source__url=None` leaves a key out."""
        self.values |= {name.replace("__", "."): value for name, value in changes.items()}
        kept = {name: value for name, value in self.values.items() if value is not None}
        self.config.write_text(render_config(kept), encoding="utf-8")

    def map(self, **selects: str | None) -> None:
        """Write mapping files; None removes one."""
        for name, select in selects.items():
            file = self.folder / "source" / f"{name}.sql"
            if select is None:
                file.unlink()
            else:
                file.write_text(select, encoding="utf-8")

    def run(self, *arguments: str) -> Outcome:
        """Run a `churn` command on this shop."""
        return run_churn(*arguments, "--config", str(self.config))

    def nightly(self, as_of: str = AS_OF, *options: str) -> Outcome:
        return self.run("nightly", "--as-of", as_of, *options)

    def execute(self, statements: str, **params: Any) -> None:
        """Change the database."""
        with self._connect() as connection:
            if params:
                for statement in filter(str.strip, statements.split(";\n")):
                    named = {name: value for name, value in params.items() if f":{name}" in statement}
                    connection.execute(sa.text(statement), named)
            else:
                connection.exec_driver_sql(statements, execution_options={"no_parameters": True})

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Look into the database."""
        with self._connect() as connection:
            found = connection.exec_driver_sql(query, execution_options={"no_parameters": True})
            return [dict(row) for row in found.mappings()]

    def value(self, query: str) -> Any:
        (row,) = self.rows(query)
        (value,) = row.values()
        return value

    def views(self) -> list[str]:
        query = "select table_name from information_schema.views where table_schema = 'bi' order by 1"
        return [row["table_name"] for row in self.rows(query)]

    def published(self) -> dict[str, list[str]]:
        """Every row and column of every `bi` view but those that tell of runs."""
        return {
            view: sorted(str(row) for row in self.rows(f"select * from bi.{view}"))
            for view in self.views()
            if view not in LEDGER_VIEWS
        }

    def contents(self) -> dict[str, Any]:
        """Every row of every table of the warehouse, as a count and a hash, and every sequence's value."""
        tables = self.rows(
            "select n.nspname || '.' || c.relname as name, c.relkind from pg_class as c "
            "inner join pg_namespace as n on c.relnamespace = n.oid "
            "where n.nspname in ('staging', 'scores', 'ops') and c.relkind in ('r', 'S') order by 1"
        )
        found = {}
        for table in tables:
            name = table["name"]
            found[name] = (
                self.value(f"select last_value || ' ' || is_called from {name}")
                if table["relkind"] == "S"
                else self.value(
                    "select count(*) || ' ' || coalesce(sum(cast(hashtextextended(cast(t.* as text), 0) as numeric)),"
                    f" 0) from {name} as t"
                )
            )
        return found

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sa.Connection]:
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            yield connection


def fill_shop(url: str, folder: Path, *, customers: int, night: str | None) -> None:
    """Make the shop's tables and its migrated warehouse in a database, and publish a night."""
    shop = Shop(folder, url)
    shop.execute(TABLES)
    if customers:
        shop.execute(ROWS, customers=customers)
    assert shop.run("migrate").code == 0
    if night is not None:
        done = shop.nightly(night)
        assert done.code == 0, done.err


def assert_one_message(done: Outcome, code: int, *words: str) -> None:
    """Say that a command ended with this exit code and one message, with these words and without a traceback."""
    assert (done.code, "Traceback" in done.text) == (code, False), done.text
    lines = [line for line in done.err.strip().splitlines() if not line.startswith("{")]
    assert len(lines) == 1, done.err
    assert lines[0].startswith("churn: "), lines[0]
    missing = [word for word in words if not re.search(word, lines[0])]
    assert not missing, (missing, lines[0])
    assert SECRET not in done.text


def run_process(*arguments: str, folder: Path, **environment: str) -> Outcome:
    """Run `python …` in a process of its own, in a folder, with stdout and stderr that are no terminals."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        timeout=300,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(), done.stdout)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
