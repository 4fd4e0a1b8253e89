"""`churn serve` over a published night: pages, files, answers given twice, sessions, timeouts, the end."""

from __future__ import annotations

import csv
import io
import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from churn.config import Settings
from churn.config.dashboard import DashboardSection
from churn.dashboard.pages import PAGES, Page
from churn.dashboard.source import Reader
from churn.dashboard.web.app import create_app
from churn.dashboard.web.serving import serve
from churn.errors import ConfigError, TransientError, WarehouseError
from churn.warehouse import quoted, sqlstate
from tests.e2e.bad_input_source import free_port
from tests.e2e.company import AS_OF, Office, on_server


def command(office: Office, *options: str) -> list[str]:
    """`churn serve` on a port that is free."""
    program = [sys.executable, "-m", "churn", "--config", str(office.config)]
    return [*program, "serve", "--port", str(free_port()), *options]


@dataclass
class Served:
    """The application over an office's warehouse, with a clock that is set; `log` holds what it logged."""

    office: Office
    keys: dict[str, Any] = field(default_factory=dict)
    now: datetime = datetime(2025, 11, 3, 8, tzinfo=UTC)
    log: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = self.office.settings.model_copy(update={"dashboard": DashboardSection(**self.keys)})
        self.reader = Reader(self.settings)
        self.app = create_app(self.settings, self.reader, lambda: self.now, self.log.append)

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(
            path, base_url="http://127.0.0.1", headers={k.replace("_", "-"): v for k, v in headers.items()}
        )


Serve = Callable[..., Served]


@pytest.fixture
def serving() -> Iterator[Serve]:
    """Makes applications and closes their sessions."""
    made: list[Served] = []

    def make(office: Office, **keys: Any) -> Served:
        made.append(Served(office, keys))
        return made[-1]

    yield make
    for one in made:
        one.reader.close()


def address(page: Page, office: Office) -> str:
    """A page with what it needs after `?`."""
    if page.name != "customer":
        return f"/{page.name}"
    return f"/customer?id={office.value('select min(customer_id) from bi.at_risk_customers')}"


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_answered_with_its_tables_its_csv_and_the_night(published, serving, page):
    served = serving(published)
    path = address(page, published)
    found = served.get(path)
    html = found.data.decode()
    assert (found.status_code, found.mimetype) == (200, "text/html")
    assert page.question.replace("'", "&#39;") in html
    assert "Night of 3 Nov 2025" in html
    for ask in page.asks(page.query(**dict(part.split("=") for part in path.split("?")[1:]))):
        sent = served.get(f"/download/{page.name}/{ask.block.name}.csv{path.removeprefix(f'/{page.name}')}")
        rows = list(csv.DictReader(io.StringIO(sent.data.decode())))
        assert (sent.status_code, sent.mimetype) == (200, "text/csv"), ask.block.name
        assert sent.data.decode().startswith(",".join(column.name for column in ask.block.columns))
        with served.reader.moment() as connection:
            counted = f"select count(*) from ({ask.block.sql.body}) as counted"
            assert len(rows) == connection.scalar(sa.text(counted), dict(ask.parameters)), ask.block.name


def test_the_first_page_is_the_overview(published, serving):
    served = serving(published, cache_seconds=0)
    assert served.get("/").data == served.get("/overview").data == served.get("/?").data


def test_a_reader_who_has_a_page_is_told_so(published, serving):
    served = serving(published)
    first = served.get("/")
    etag = first.headers["ETag"]
    assert (etag.startswith('W/"'), first.headers["Cache-Control"]) == (True, "private, no-cache")
    again = served.get("/", If_None_Match=etag)
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    assert served.get("/", If_None_Match='W/"other"').status_code == 200
    assert served.client.head("/", base_url="http://127.0.0.1").data == b""


def test_a_page_is_read_once_for_all_who_ask_within_seconds(published, serving):
    served = serving(published, cache_seconds=5)
    read: list[str] = []

    @sa.event.listens_for(served.reader._database.engine, "before_cursor_execute")
    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        read.append(statement)

    served.get("/")
    once = len(read)
    assert once > 2
    for _ in range(5):
        assert served.get("/").status_code == 200
    assert len(read) == once
    served.now += timedelta(seconds=2)
    served.get("/")
    assert len(read) == once + 1  # only which night is published
    served.now += timedelta(seconds=4)
    served.get("/")
    assert len(read) > once + 2


def test_a_night_that_is_published_meanwhile_is_shown_within_a_second(office, serving):
    served = serving(office, cache_seconds=300)
    assert b"Night of 3 Nov 2025" in served.get("/").data
    assert served.get("/api/v1/overview").json["as_of_date"] == "2025-11-03"
    office.nightly(AS_OF + timedelta(days=1))
    assert b"Night of 3 Nov 2025" in served.get("/").data
    served.now += timedelta(seconds=1)
    assert b"Night of 4 Nov 2025" in served.get("/").data
    assert served.get("/api/v1/overview").json["as_of_date"] == "2025-11-04"


def test_whoever_is_forgotten_is_gone_from_kept_pages_within_a_second(office, serving):
    served = serving(office, cache_seconds=300)
    customer = office.value("select min(customer_id) from bi.at_risk_customers")
    path = f"/customer?id={customer}"
    assert served.get(path).status_code == 200
    program = [sys.executable, "-m", "churn", "--config", str(office.config)]
    subprocess.run([*program, "forget", customer], check=True, capture_output=True, timeout=120)
    served.now += timedelta(seconds=1)
    assert served.get(path).status_code == 404


# ---------------------------------------------------------------- sessions


def test_a_reader_can_write_nothing_and_see_nothing_but_the_views(published, serving):
    reader = serving(published).reader
    for statement in (
        "insert into ops.published default values",
        "delete from staging.customers",
        "create temporary table x (y int)",
        "set transaction read write; create table bi.x (y int)",
        "set transaction read write; insert into ops.published default values",
        "select * from staging.customers",
        "select * from scores.customer_scores",
        "select pg_read_file('postgresql.conf')",
    ):
        with pytest.raises((WarehouseError, TransientError)) as refused, reader.moment() as connection:
            connection.exec_driver_sql(statement)
        assert sqlstate(refused.value) in ("42501", "25006", "25001"), (statement, refused.value)
    with reader.moment() as connection:
        shown = connection.exec_driver_sql(
            "select current_user, current_setting('transaction_isolation'), current_setting('transaction_read_only'), "
            "current_setting('application_name'), current_setting('lock_timeout'), "
            "current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')"
        ).one()
    assert tuple(shown) == ("bi_reader", "repeatable read", "on", "churn dashboard", "500ms", "10s", "1min")


def test_a_query_that_takes_too_long_is_cut_off_and_says_so(published, serving):
    reader = serving(published, statement_timeout_seconds=1).reader
    with pytest.raises(WarehouseError, match="longer than 1 seconds") as cut, reader.moment() as connection:
        connection.exec_driver_sql("select pg_sleep(5)")
    assert "dashboard.statement_timeout_seconds" in cut.value.hint


def test_sessions_are_kept_and_a_broken_one_is_replaced_without_a_failed_page(published, serving):
    served = serving(published, cache_seconds=0)

    def pids() -> set[int]:
        return set(published.column("select pid from pg_stat_activity where application_name = 'churn dashboard'"))

    before = pids()
    served.get("/")
    kept = pids() - before
    served.get("/runs")
    assert pids() - before == kept
    assert len(kept) == 1
    published.rows("select pg_terminate_backend(pid) from unnest(cast(:pids as int[])) as pid", pids=list(kept))
    assert served.get("/").status_code == 200
    assert not (pids() & kept)


def test_a_login_that_may_not_become_the_reader_is_told_the_grant(published, server_home):
    login = f"login_{uuid.uuid4().hex}"
    on_server(server_home, f"create role {quoted(login)} login")
    try:
        url = sa.make_url(published.warehouse_url).set(username=login).render_as_string(hide_password=False)
        settings = Settings(warehouse={"url": url}, base_dir=published.folder)
        reader = Reader(settings)
        with pytest.raises(WarehouseError, match=f"{login}.* may not become the role") as refused, reader.moment():
            pytest.fail("it was let in")
        assert f'grant "bi_reader" to "{login}"' in refused.value.hint
    finally:
        on_server(server_home, f"drop role {quoted(login)}")


def test_a_warehouse_that_is_locked_empty_or_gone_is_said_with_what_to_do(published, serving, empty_database):
    served = serving(published)
    engine = sa.create_engine(published.warehouse_url, poolclass=sa.NullPool)
    with engine.begin() as blocking:
        blocking.exec_driver_sql("lock table ops.runs in access exclusive mode")
        blocked = served.get("/")
    assert (blocked.status_code, blocked.headers["Retry-After"]) == (503, "5")
    served.now += timedelta(seconds=1)
    assert served.get("/").status_code == 200
    empty = Office(published.folder, published.source_url, empty_database)
    empty.configure()
    try:
        page = serving(empty).get("/")
        assert (page.status_code, b"churn migrate" in page.data) == (503, True)
        gone = Office(published.folder, published.source_url, "postgresql://clerk:hunter2@127.0.0.1:1/nothing")
        gone.configure()
        page = serving(gone).get("/")
        assert (page.status_code, b"can&#39;t be reached" in page.data, b"hunter2" in page.data) == (503, True, False)
    finally:
        published.configure()


# ---------------------------------------------------------------- the server


@dataclass
class Running:
    url: str
    process: subprocess.Popen[str]

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        request = urllib.request.Request(self.url + path, headers=headers)  # noqa: S310 - our own server
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()


@pytest.fixture
def running(published: Office) -> Iterator[Running]:
    process = subprocess.Popen(command(published), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said.startswith("The dashboard is at http://127.0.0.1:"), said
    yield Running(said.split()[4].rstrip("/"), process)
    if process.poll() is None:
        process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_server_answers_and_ends_in_order_when_it_is_told_to(running, number):
    status, headers, body = running.get("/")
    assert (status, b"Night of 3 Nov 2025" in body) == (200, True)
    assert "Server" not in headers
    assert running.get("/healthz")[0] == 200
    assert running.get("/login", Host="evil.example")[0] == 400
    running.process.send_signal(number)
    _, log = running.process.communicate(timeout=20)
    assert running.process.returncode == 0
    lines = [json.loads(line) for line in log.splitlines()]
    assert [line["event"] for line in lines] == ["request"] * 3 + ["stopped"]
    assert (lines[0]["path"], lines[0]["status"], lines[0]["ms"] > 0) == ("/", 200, True)


def test_what_is_no_request_is_refused_with_the_headers_of_every_answer(running):
    host, port = running.url.removeprefix("http://").split(":")
    for sent in (
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nA B: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(sent)
            answer = b""
            while part := connection.recv(65_536):
                answer += part
        head = answer.split(b"\r\n\r\n")[0]
        assert head.startswith(b"HTTP/1.1 4") or head.startswith(b"HTTP/1.0 4"), head
        assert b"Content-Security-Policy: default-src 'none'" in head
        assert b"waitress" not in answer.lower()
    assert running.get("/healthz")[0] == 200


def test_a_port_that_is_taken_is_said(published, running):
    port = int(running.url.rsplit(":", 1)[1])
    taken = published.settings.model_copy(update={"dashboard": DashboardSection(port=port)})
    with pytest.raises(ConfigError, match=f"Port {port}"):
        serve(taken, lambda: datetime.now(UTC), sys.stderr, lambda url: pytest.fail(url))


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--address", "0.0.0.0"), 10, "Anybody who reaches 0.0.0.0 could read"),  # noqa: S104 - what is refused
        (("--address", "example.com"), 2, "'example.com' is no address to listen on"),
    ],
)
def test_an_address_that_may_not_be_is_refused(published, options, code, said):
    done = subprocess.run(command(published, *options), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, said in done.stderr, done.stdout) == (code, True, ""), done.stderr
