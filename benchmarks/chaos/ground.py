"""Where nights are disturbed: a Postgres of its own, a trained company in templates, and networks that can be cut."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from benchmarks.chaos.child import Child, Clock, Command, complaint
from benchmarks.chaos.proxy import Proxy
from benchmarks.chaos.wire import Target
from churn import embedded
from churn.config.sections import HOME_FOLDER
from churn.demo.company import CompanySettings, simulate_company
from churn.demo.load import load_company
from churn.embedded import accounts, server
from churn.errors import WarehouseError
from churn.warehouse import open_database, quoted, run_ddl
from tests.e2e.company import AS_OF, FUTURE_DAYS, Office, copied, dropped, night_of, on_server

CAMPAIGN = "autumn"
SMALL_DISK = "small_disk"
_SMALL_DISK_BYTES = 160 << 20
_YEARS_DAYS, _YEAR_DAYS = 1096, 400
_PATIENCE_SECONDS = 300.0
_EMPTY, _TRAINED, _PUBLISHED, _TOLD = "chaos_source", "chaos_trained", "chaos_published", "chaos_told"


@dataclass(frozen=True)
class Scenario:
    """A night that is going to be disturbed.

    Attributes
    ----------
    name : str
    as_of : date
    now : datetime
        When it begins, by the clock of the command.
    warehouse, source : str
        Templates: what there is before the night.
    """

    name: str
    as_of: date
    now: datetime
    warehouse: str
    source: str


_LATER = AS_OF + timedelta(days=2)
FIRST = Scenario("the first night", AS_OF, night_of(AS_OF), _TRAINED, _EMPTY)
AGAIN = Scenario("the same night again", AS_OF, night_of(AS_OF) + timedelta(hours=2), _PUBLISHED, _EMPTY)
NEXT = Scenario("the next night", _LATER, night_of(_LATER), _PUBLISHED, _TOLD)


class Ground:
    """A server with templates for each scenario; it is thrown away at the end.

    Parameters
    ----------
    folder : Path
        For everything that is made; the server's data lie where `churn.embedded` puts them.
    customers : int
    is_trained : bool
        Train a churn model first, on years of history, and record a campaign; otherwise the nights rank by recency.
    """

    def __init__(self, folder: Path, *, customers: int, is_trained: bool) -> None:
        self.folder, self.customers, self.is_trained = folder, customers, is_trained
        self.home = folder / HOME_FOLDER
        self.has_small_disk = False
        self._made = 0
        self._sources: dict[str, str] = {}

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Start the server, make the templates and the networks; take all of it away at the end."""
        with ExitStack() as ends:
            started = embedded.start(self.home)
            ends.callback(embedded.destroy, self.home)
            socket_file = started.socket_dir / f".s.PGSQL.{started.port}"
            self.source_network = ends.enter_context(Proxy(Target(socket_file)))
            self.warehouse_network = ends.enter_context(Proxy(Target(socket_file)))
            self._make_small_disk(ends)
            self._make_templates()
            yield

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """What there are templates for; without training before it, a first night gives readers new columns."""
        return (FIRST, AGAIN, NEXT) if self.is_trained else (AGAIN, NEXT)

    # ------------------------------------------------------------ templates

    def _make_templates(self) -> None:
        for name in (_EMPTY, _TRAINED):
            on_server(self.home, f"create database {quoted(name)}")
        self._fill_source(self._url(_EMPTY))
        office = self.office("template", self._url(_EMPTY), self._url(_TRAINED), is_cuttable=False)
        before = night_of(AS_OF) - timedelta(hours=2)
        office.tell(before)
        self._done(office, before, "migrate")
        if self.is_trained:
            self._done(office, before, "train", "--as-of", str(AS_OF))
            self._done(office, before, "migrate")  # the features' columns
        office.tell(FIRST.now)
        self._copy(_TRAINED, _PUBLISHED)
        office = self.office("template", self._url(_EMPTY), self._url(_PUBLISHED), is_cuttable=False)
        self._done(office, FIRST.now, "nightly", "--as-of", str(AS_OF))
        if self.is_trained:
            self._record_campaign(office)
        self._copy(_EMPTY, _TOLD)
        self.office("template", self._url(_TOLD), self._url(_PUBLISHED), is_cuttable=False).tell(NEXT.now)

    def _record_campaign(self, office: Office) -> None:
        """Export the list of the first night, and say that it was sent."""
        sheet, day_after = office.folder / "sent.csv", FIRST.now + timedelta(days=1)
        self._done(office, day_after, "export", "at-risk", "--as-of", str(AS_OF), "--output", str(sheet))
        record = ("campaign", "record", "--campaign", CAMPAIGN, "--file", str(sheet), "--sent-on", str(AS_OF))
        self._done(office, day_after, *record)

    def _fill_source(self, url: str) -> None:
        """Put a small company into a database; nothing of it is told yet."""
        days = _YEARS_DAYS if self.is_trained else _YEAR_DAYS
        wanted = CompanySettings(as_of=AS_OF, customers=self.customers, history_days=days, future_days=FUTURE_DAYS)
        with open_database(url, "warehouse").begin() as connection:
            load_company(simulate_company(wanted), connection)
            run_ddl(connection, "create table public.tonight (told_until timestamptz not null)")
            run_ddl(connection, "insert into public.tonight values ('2000-01-01')")

    def _done(self, office: Office, now: datetime, *line: str) -> None:
        """Run a command that nothing disturbs."""
        log = office.folder / "template.log"
        child = Child(Command((*line, "--config", str(office.config)), log, Clock(now)))
        if (code := child.wait(_PATIENCE_SECONDS)) != 0:
            raise WarehouseError(f"`churn {line[0]}` ended with {code} where nothing disturbed it: {complaint(log)}")

    def _copy(self, template: str, name: str) -> None:
        on_server(self.home, f"create database {quoted(name)} template {quoted(template)}")

    def _url(self, name: str) -> str:
        return embedded.database_url(self.home, name)

    # ------------------------------------------------------------ offices

    def office(self, name: str, source_url: str, warehouse_url: str, *, is_cuttable: bool) -> Office:
        """Return an office; a cuttable one's commands reach the databases through the networks."""
        office = Office(self.folder / name, source_url, warehouse_url)
        urls = {
            "source__url": self.source_network.url(source_url),
            "warehouse__url": self.warehouse_network.url(warehouse_url),
        }
        office.configure(
            retention__campaign=CAMPAIGN,
            retry__first_pause_seconds=0.3,
            retry__longest_pause_seconds=3.0,
            source__lock_timeout_seconds=1,
            **(urls if is_cuttable else {}),
        )
        return office

    @contextmanager
    def opened(self, scenario: Scenario, *, on_small_disk: bool = False) -> Iterator[Office]:
        """Give an office as it is before a scenario's night; its warehouse is dropped at the end."""
        self._made += 1
        source = self._url(scenario.source)
        if on_small_disk:
            name = f"chaos_small_{self._made}"
            place = f"tablespace {SMALL_DISK}"
            on_server(self.home, f"create database {name} template {quoted(scenario.warehouse)} {place}")
            warehouse = self._url(name)
        else:
            warehouse = copied(self.home, scenario.warehouse)
        office = self.office(f"night_{self._made}", source, warehouse, is_cuttable=True)
        (office.folder / "tmp").mkdir()
        try:
            yield office
        finally:
            dropped(self.home, warehouse)
            shutil.rmtree(office.folder)

    # ------------------------------------------------------------ the server

    def stop(self, mode: str) -> None:
        """Stop the server: `immediate` as in a crash, `fast` as in maintenance."""
        layout = server.running_layout(self.home)
        command = [layout.binaries.program("pg_ctl"), "stop", "-w", "-s", "-m", mode, "-D", str(layout.data_dir)]
        done = accounts.run_as(layout.account, command)
        if done.returncode:
            raise WarehouseError(f"The server did not stop ({mode}): {done.stderr.strip()}")

    def start(self) -> None:
        """Start it again; after a crash it recovers first."""
        embedded.start(self.home)

    # ------------------------------------------------------------ a disk that can be filled

    def _make_small_disk(self, ends: ExitStack) -> None:
        """Make a tablespace on a file system of its own, where this account may mount one."""
        layout = server.running_layout(self.home)
        self.small_disk = layout.place / SMALL_DISK
        if os.geteuid() != 0 or shutil.which("mount") is None:
            return
        self.small_disk.mkdir()
        options = f"size={_SMALL_DISK_BYTES},mode=0700,uid={layout.account.uid},gid={layout.account.gid}"
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "churn-chaos", self.small_disk], capture_output=True, check=False
        )
        if mounted.returncode:
            return
        ends.callback(_unmount, self.small_disk)
        on_server(self.home, f"create tablespace {SMALL_DISK} location '{self.small_disk}'")
        self.has_small_disk = True

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Leave no room on the small disk."""
        ballast = self.small_disk / "ballast"
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(1 << 16))
        try:
            yield
        finally:
            ballast.unlink()


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "-l", folder], check=False)


def superuser(url: str) -> sa.Engine:
    """Open a database for whoever disturbs or looks: directly, as the superuser."""
    return sa.create_engine(url, poolclass=sa.NullPool)
