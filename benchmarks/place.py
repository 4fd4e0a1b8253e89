"""A place to measure in: a folder with its own embedded Postgres, fresh databases, and a clock that stands still."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from churn import embedded
from churn.config import Settings, load_settings
from churn.config.sections import HOME_FOLDER
from churn.connections import EMBEDDED_SCHEME, open_warehouse
from churn.errors import ChurnError, ConfigError
from churn.init import render_config, write_files
from churn.migrate import migrate
from churn.running import Job
from churn.warehouse import Database, open_database, quoted, run_ddl

NIGHT_BEGINS = time(3, 15, tzinfo=UTC)
HEAD = "Written by a benchmark, for databases of its own."


@dataclass
class StageTimes:
    """A progress that keeps how long every stage took, and says so on standard error.

    Attributes
    ----------
    seconds : dict of str to float
        By stage, in order; a stage that ran twice adds up.
    rows : dict of str to int
    notes : list of str
    """

    seconds: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    is_quiet: bool = False

    def run_started(self, job: str, run_id: int, as_of: date) -> None:
        """Say which job begins."""
        self._say(f"{job} as of {as_of}")

    def stage_started(self, stage: str) -> None:
        """Nothing to keep yet."""

    def advanced(self, what: str, rows: int) -> None:
        """Nothing to keep yet."""

    def stage_finished(self, stage: str, rows: int, seconds: float) -> None:
        """Keep what the stage took."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
        self.rows[stage] = rows
        self._say(f"  {stage:<10} {seconds:8.2f} s  {rows:>12,} rows")

    def note(self, text: str) -> None:
        """Keep a note."""
        self.notes.append(text)
        self._say(f"  {text}")

    def _say(self, text: str) -> None:
        if not self.is_quiet:
            say(text)


def say(text: str) -> None:
    """Tell how far a benchmark is, on standard error: standard output is for its figures."""
    print(text, file=sys.stderr, flush=True)


def clock_of(as_of: date) -> Callable[[], datetime]:
    """Return a clock that stands at a quarter past three in the night of `as_of`, UTC."""
    instant = datetime.combine(as_of, NIGHT_BEGINS)
    return lambda: instant


def job_of(settings: Settings, as_of: date, progress: StageTimes) -> Job:
    """Return the job of a night, on that night's clock."""
    return Job(settings, as_of, clock_of(as_of), progress)


def fresh_databases(folder: Path, name: str, *, sql_dir: Path, values: Mapping[str, Any]) -> Settings:
    """Write NAME.toml, and make an empty source and a migrated warehouse of that name on the folder's Postgres.

    Parameters
    ----------
    folder : Path
        Gets the file and `.churn/`; made if it does not exist.
    name : str
        What an earlier benchmark of the same name left is dropped.
    sql_dir : Path
        The mapping's SELECTs.
    values : mapping of `section.key` to value
        Further settings.

    Raises
    ------
    ConfigError
        The environment would turn the benchmark to other databases.
    """
    refuse_environment()
    file = folder.resolve() / f"{name}.toml"
    urls = {f"{side}.url": f"{EMBEDDED_SCHEME}{name}_{side}" for side in ("source", "warehouse")}
    write_files({file: render_config({**urls, "source.sql_dir": str(sql_dir), **values}, head=HEAD)})
    settings = load_settings(file)
    embedded.start(settings.home)
    server = open_database(embedded.database_url(settings.home, "postgres"), "warehouse")
    with server.connect() as connection:
        for side in ("source", "warehouse"):
            database = quoted(f"{name}_{side}")
            run_ddl(connection, f"drop database if exists {database} with (force)")
            run_ddl(connection, f"create database {database}")
    migrate(open_warehouse(settings, job="benchmark", as_owner=False), settings.roles)
    return settings


def refuse_environment() -> None:
    """Refuse to measure where the environment says something else than the benchmark.

    Raises
    ------
    ConfigError
        It would turn the benchmark to other databases or settings.
    """
    names = sorted(name for name in os.environ if name.startswith("CHURN_") and "__" in name)
    if names:
        raise ConfigError(
            f"The environment sets {', '.join(names)}; a benchmark works on databases of its own.",
            f"Run it with `env -u {names[0]} …`.",
        )


def writable_source(settings: Settings, name: str) -> Database:
    """Open the source of `fresh_databases` for writing: the benchmark is the company."""
    return open_database(embedded.database_url(settings.home, f"{name}_source"), "warehouse")


@contextmanager
def kept_or_not(folder: Path, *, keep: bool) -> Iterator[None]:
    """Delete the folder's Postgres and what else was made there at the end, unless it is to be kept.

    Raises
    ------
    ConfigError
        The folder holds an embedded Postgres that no benchmark made.
    """
    home = folder.resolve() / HOME_FOLDER
    if home.exists() and not _made_files(folder):
        raise ConfigError(f"{home} is not a benchmark's, so it is left alone.", "Give another folder with --home.")
    try:
        yield
    finally:
        if not keep:
            embedded.destroy(home)
            shutil.rmtree(home, ignore_errors=True)
            for file in _made_files(folder):
                file.unlink()
            with suppress(OSError):  # it holds something else
                folder.rmdir()


def _made_files(folder: Path) -> list[Path]:
    return [file for file in folder.glob("*.toml") if HEAD in file.read_text(encoding="utf-8", errors="replace")]


def report_to(document: Path | None, text: str) -> None:
    """Print a report, and keep it in a document where there is one."""
    print(text)
    if document is not None:
        document.write_text(text + "\n", encoding="utf-8")
        say(f"Wrote {document.name}.")


def exit_code_of(run: Callable[[], None]) -> int:
    """Run a benchmark; an error of ours ends in its message and exit code, as in the commands."""
    try:
        run()
    except ChurnError as error:
        say(f"{error}")
        return error.exit_code
    return 0
