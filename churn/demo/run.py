"""`churn demo`: a whole company on the embedded Postgres, every job run on it, and what to look at next."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from churn import embedded
from churn.config import CONFIG_FILE, Settings, load_settings
from churn.connections import EMBEDDED_SCHEME, EMBEDDED_WAREHOUSE, open_warehouse
from churn.demo.company import CompanySettings, simulate_company
from churn.demo.load import load_company, source_sql_dir
from churn.demo.source_rows import EVENT_TYPES
from churn.errors import ConfigError, ModelError
from churn.init import SOURCE_FOLDER, render_config, write_files
from churn.ledger import Clock
from churn.migrate import migrate
from churn.pipeline import run_nightly, run_train
from churn.progress import Progress
from churn.running import Job
from churn.sqlfiles import read_sql
from churn.terminal import print_table
from churn.training import TrainingReport
from churn.warehouse import open_database, quoted, run_ddl

DEMO_HEAD = "Written by `churn demo`: a simulated company. Running the demo again starts it over."
SOURCE_DATABASE = "demo_source"
SHOWN_ON_LIST = 10
SHOWN_INSIGHTS = 6
SHOWN_DRIVERS = 6
CONTACT_COST = 10.0
OFFERS: list[dict[str, Any]] = [
    {"name": "email", "cost": 1.0, "save_rate": 0.04},
    {
        "name": "training",
        "cost": 15.0,
        "save_rate": 0.12,
        "when": {"driver": ["overall use", "use: logins", "use: reports", "use: exports"]},
    },
    {"name": "discount_20", "cost": 40.0, "save_rate": 0.15, "when": {"driver": ["price", "renewal"]}},
    {
        "name": "call",
        "cost": 60.0,
        "save_rate": 0.25,
        "when": {"value_tier": ["high"], "plan": ["business", "enterprise"]},
        "capacity": 50,
    },
]
"""What the simulated company can do to keep a customer."""

BUDGET = 10_000.0


def run_demo(folder: Path, *, customers: int, seed: int, as_of: date, clock: Clock, progress: Progress) -> None:
    """Simulate, migrate, extract, train, score and publish; print the answers and how to look further.

    Parameters
    ----------
    folder : Path
        Gets churn.toml, source/ and .churn/; made if it does not exist.
    customers, seed : int
        Of the simulation.
    as_of : date
        The night to publish; the company's history ends the day before.
    clock, progress
        From the edge.

    Raises
    ------
    ConfigError
        The folder has a churn.toml that the demo did not write.
    """
    settings = _configure(folder)
    _refuse_other_databases(settings)
    _start_over(settings)
    _simulate(settings, CompanySettings(as_of=as_of, seed=seed, customers=customers), progress)
    warehouse = open_warehouse(settings, job="demo", as_owner=False)
    migrate(warehouse, settings.roles)
    job = Job(settings, as_of, clock, progress)
    report: TrainingReport | None = None
    try:
        report = run_train(job)
    except ModelError as error:
        progress.note(f"No model: {error}")
    run_nightly(job)
    _show(settings, report)
    _tell_more(folder, as_of)


def _configure(folder: Path) -> Settings:
    file = folder / CONFIG_FILE
    if file.exists() and DEMO_HEAD not in file.read_text(encoding="utf-8", errors="replace"):
        raise ConfigError(
            f"{file} is not the demo's, so it is left alone.", "Run `churn demo --dir demo` to use a folder of its own."
        )
    catalogue = [
        {"name": f"{event}s", "event_type": event, "measure": "count"} for event in EVENT_TYPES if event != "invite"
    ]
    values: dict[str, Any] = {
        "source.url": EMBEDDED_SCHEME + SOURCE_DATABASE,
        "warehouse.url": EMBEDDED_SCHEME + EMBEDDED_WAREHOUSE,
        "features.usage": catalogue,
        "retention.contact_cost": CONTACT_COST,
        "retention.offers": OFFERS,
        "retention.budget": BUDGET,
    }
    files = {file: render_config(values, head=DEMO_HEAD)}
    for template in sorted(source_sql_dir().glob("*.sql")):
        files[folder / SOURCE_FOLDER / template.name] = template.read_text(encoding="utf-8")
    write_files(files)
    return load_settings(file)


def _refuse_other_databases(settings: Settings) -> None:
    """Refuse to run where the environment points at real databases: it outranks the demo's file."""
    urls = {"SOURCE": settings.source.url, "WAREHOUSE": settings.warehouse.url}
    elsewhere = [
        f"CHURN_{section}__URL"
        for section, url in urls.items()
        if url is None or not url.get_secret_value().startswith(EMBEDDED_SCHEME)
    ]
    if elsewhere:
        raise ConfigError(
            f"The environment sets {' and '.join(elsewhere)}; the demo runs on the embedded Postgres alone.",
            "Unset it for the demo.",
        )


def _start_over(settings: Settings) -> None:
    """Drop what an earlier demo left: another day's company would look like a source whose every row changed."""
    embedded.start(settings.home)
    server = open_database(embedded.database_url(settings.home, "postgres"), "warehouse")
    with server.connect() as connection:
        for name in (SOURCE_DATABASE, EMBEDDED_WAREHOUSE):
            run_ddl(connection, f"drop database if exists {quoted(name)} with (force)")
            run_ddl(connection, f"create database {quoted(name)}")


def _simulate(settings: Settings, company: CompanySettings, progress: Progress) -> None:
    started = time.monotonic()
    progress.stage_started("simulate")
    source = open_database(embedded.database_url(settings.home, SOURCE_DATABASE), "warehouse")
    done: dict[str, int] = {}

    def advanced(table: str, rows: int) -> None:
        done[table] = done.get(table, 0) + rows
        progress.advanced(table, done[table])

    with source.begin() as connection:
        written = load_company(simulate_company(company), connection, advanced)
    with source.connect() as connection:
        run_ddl(connection, "vacuum analyze")
    progress.stage_finished("simulate", sum(written.values()), time.monotonic() - started)


def _show(settings: Settings, report: TrainingReport | None) -> None:
    warehouse = open_warehouse(settings, job="demo")
    with warehouse.begin() as connection:
        shown = connection.execute(read_sql("demo/segments.sql").statement)
        print_table("Segments (bi.segments)", list(shown.keys()), [_plain(row) for row in shown])
        if report is not None:
            print_table(f"Out of time: {report.span} (bi.model_performance)", *report.table())
            shown = connection.execute(read_sql("demo/drivers.sql").statement, {"rows": SHOWN_DRIVERS})
            print_table("What leads to churn (bi.churn_drivers)", list(shown.keys()), [_plain(row) for row in shown])
        shown = connection.execute(read_sql("demo/at_risk.sql").statement, {"rows": SHOWN_ON_LIST})
        print_table(
            "Tonight's at-risk list, top (bi.at_risk_customers)", list(shown.keys()), [_plain(row) for row in shown]
        )
        shown = connection.execute(read_sql("demo/insights.sql").statement, {"rows": SHOWN_INSIGHTS})
        print_table("What the night has to say (bi.insights)", list(shown.keys()), [_plain(row) for row in shown])


def _plain(row: sa.Row[Any]) -> list[Any]:
    return [float(value) if hasattr(value, "quantize") else value for value in row]


def _tell_more(folder: Path, as_of: date) -> None:
    from churn.terminal import print_lines

    here = "" if folder == Path.cwd() else f"cd {folder} && "
    print_lines(
        [
            f"Published as of {as_of}. Look further, from {folder}:",
            f"  {here}churn serve                           the same as pages in a browser, until Ctrl-C",
            f"  {here}churn status                          what ran, what is published, what comes next",
            f"  {here}churn export at-risk -o list.csv      the list for marketing, without the holdout",
            f"  {here}churn models show --card              the model card: what the model is worth, and its limits",
            f'  {here}churn db psql -c "table bi.segments"  any view of schema bi',
            f"  {here}churn db start --tcp-port 5433        then `churn db url --role bi_reader` for a BI tool",
            f"  {here}churn db stop                         stop the embedded Postgres",
        ]
    )
