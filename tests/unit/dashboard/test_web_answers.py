"""What is answered without a warehouse: headers, files, errors, the log, and answers given twice."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.config.dashboard import DashboardSection
from churn.dashboard.blocks import Ask, Block, Column
from churn.dashboard.web.app import create_app
from churn.dashboard.web.cache import Answers, Edition, Flights, Made
from churn.dashboard.web.downloads import Downloads, csv_lines
from churn.dashboard.web.files import FOREVER, plotly_file
from churn.dashboard.web.places import PATIENCE_SECONDS, Places, places_of
from churn.dashboard.web.security import HEADERS
from churn.dashboard.web.serving import log_to
from churn.errors import TransientError, UsageError, WarehouseError
from tests.unit.dashboard.web import NOW, TOKEN, Hands, Web

EVERYWHERE = (
    "/healthz",
    "/login",
    "/",
    "/nothing",
    "/?x=1",
    "/api/v1/overview",
    "/api/v1/nothing",
    "/api/v1/overview?x=1",
    "/static/x/churn.css",
    "/static/x/nothing.css",
    "/download/overview/nothing.csv",
    "/download/nothing/kpis.csv",
)


@pytest.fixture(scope="module")
def webs() -> list[Web]:
    """One for this machine, one with a token."""
    return [Web(), Web(token=TOKEN)]


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
def test_every_answer_has_the_headers_and_no_version(webs, path, method):
    for web in webs:
        answer = web.client().open(path, method=method, base_url="http://127.0.0.1")
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "Cache-Control" in answer.headers
        assert not {"Server", "Set-Cookie", "Access-Control-Allow-Origin", "X-Powered-By"} & set(answer.headers.keys())
        assert answer.status_code < 500 or answer.status_code == 503
        if method not in ("GET", "HEAD") and path != "/login":
            assert answer.status_code in (405, 404, 401)


def test_no_page_may_run_what_is_not_ours():
    policy = HEADERS["Content-Security-Policy"]
    assert policy.replace("style-src-attr 'unsafe-inline'", "").count("unsafe") == 0
    assert policy.startswith("default-src 'none'; script-src 'self';")
    html = Web(token=TOKEN).get("/").data.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|\son\w+=|\sstyle=|<style", html) == []
    assert re.findall(r"""(?:src|href|action)="(?!/)""", html.replace('href="#main"', "")) == []


def test_transport_security_is_for_tls_alone():
    web = Web()
    assert "Strict-Transport-Security" not in web.get("/healthz").headers
    assert "Strict-Transport-Security" in web.get("/healthz", headers={"X-Forwarded-Proto": "https"}).headers


def test_a_file_stays_for_ever_at_an_address_that_changes_with_it():
    web = Web()
    (url,) = re.findall(r'href="(/static/[^"]+churn.css)"', web.get("/login").data.decode())
    found = web.get(url)
    assert (found.status_code, found.mimetype, found.headers["Cache-Control"]) == (200, "text/css", FOREVER)
    old = web.get("/static/old/churn.css")
    assert (old.data, old.headers["Cache-Control"]) == (found.data, "no-cache")
    again = web.get(url, headers={"If-None-Match": found.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    for wrong in ("/static/x/../../base.html", "/static/x/%2e%2e%2fbase.html", "/static/x/base.html", "/static/x/"):
        assert web.get(wrong).status_code == 404, wrong


def test_the_charts_script_is_the_installed_one_and_is_sent_packed():
    web = Web()
    plain, packed = (
        web.get("/static/x/plotly.min.js", headers=headers) for headers in ({}, {"Accept-Encoding": "gzip"})
    )
    assert plain.data == plotly_file().read_bytes() == gzip.decompress(packed.data)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert plain.headers["ETag"] != packed.headers["ETag"]
    assert len(packed.data) < len(plain.data) / 2


def test_a_warehouse_that_is_away_is_said_with_what_to_do():
    web = Web()
    page, api = web.get("/"), web.get("/api/v1/overview")
    assert (page.status_code, page.headers["Retry-After"], page.mimetype) == (503, "5", "text/html")
    assert b"can&#39;t be reached" in page.data
    assert b"Check warehouse.url." in page.data
    assert b"No night is published" not in page.data
    assert (api.status_code, api.headers["Retry-After"], api.mimetype) == (503, "5", "application/problem+json")
    assert (api.json["detail"], api.json["advice"]) == (
        "The warehouse database can't be reached.",
        "Check warehouse.url.",
    )
    assert web.get("/download/overview/kpis.csv").status_code == 503


@pytest.mark.parametrize("keys", [{"token": TOKEN}, {"hosts": ("churn.example.com",)}])
def test_where_others_may_read_along_what_the_database_says_is_for_the_log(keys):
    web = Web(**keys)
    page = web.get("/", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (page.status_code, b"warehouse.url" in page.data) == (503, False)
    assert "can't be reached" in next(line["error"] for line in web.log if line["event"] == "unanswered")


def test_a_busy_warehouse_and_a_senseless_question_are_told_apart():
    busy = Web(TransientError("The warehouse database was busy.", "Run the same command again.")).get("/")
    assert (busy.status_code, b"same command" in busy.data) == (503, False)
    assert Web(UsageError("It can't be sorted so.", "It can be sorted by mrr.")).get("/").status_code == 400


def test_a_defect_is_told_to_the_log_and_not_to_the_reader():
    web = Web(ZeroDivisionError("the password is hunter2 of customer 17"))
    for path in ("/", "/api/v1/overview"):
        answer = web.get(path)
        assert answer.status_code == 500
        assert not any(word in answer.data.decode() for word in ("hunter2", "Zero", "Traceback", ".py"))
    defects = [line for line in web.log if line["event"] == "defect"]
    assert [line["error"] for line in defects] == ["ZeroDivisionError"] * 2
    assert "hunter2" not in json.dumps(web.log)


def test_what_is_asked_wrongly_is_answered_with_what_is_allowed():
    web = Web()
    for path in ("/?colour=blue", "/?segment=a&segment=b", "/download/overview/kpis.csv?x=1"):
        assert web.get(path).status_code == 400, path
    assert web.get("/?" + "x" * 5000).status_code == 414
    assert web.get("/" + "x" * 5000).status_code == 414
    assert b"kpis" in web.get("/download/overview/nothing.csv").data


def test_a_log_line_has_no_value_of_a_query_and_no_token():
    web = Web(token=TOKEN)
    web.get("/customer?id=C-secret&C-secret=1", headers={"Authorization": f"Bearer {TOKEN}"})
    web.get("/C-secret/x")
    (first, second) = [line for line in web.log if line["event"] == "request"]
    assert (first["method"], first["path"], first["query"]) == ("GET", "/customer", ["id"])
    assert (second["path"], second["status"]) == ("unknown", 401)
    assert not any(word in json.dumps(web.log) for word in ("C-secret", TOKEN))


def test_the_log_is_a_json_object_a_line(tmp_path):
    with (tmp_path / "log").open("w") as file:
        log_to(file, Hands())({"event": "request", "status": 200})
    assert json.loads((tmp_path / "log").read_text()) == {
        "time": NOW.isoformat(timespec="milliseconds"), "event": "request", "status": 200,
    }  # fmt: skip


def test_the_token_is_in_no_dump_and_changes_no_digest():
    settings = Settings(dashboard=DashboardSection(token=TOKEN, port=9000))
    assert TOKEN not in repr(settings)
    assert TOKEN not in settings.model_dump_json()
    assert settings.digest() == Settings().digest()


# ---------------------------------------------------------------- answers given twice


class Kitchen:
    """Makes answers and counts them; the published night can be changed."""

    def __init__(self, seconds: float = 5, most_bytes: int = 1000) -> None:
        self.clock, self.made, self.looked, self.night = Hands(), 0, 0, 1
        self.answers = Answers(Edition(self.look, self.clock), self.clock, seconds, most_bytes)

    def look(self) -> int:
        self.looked += 1
        if self.night < 0:
            raise WarehouseError("away")
        return self.night

    def get(self, key: str = "page", size: int = 10) -> bytes:
        def make() -> Made:
            self.made += 1
            return Made(f"{self.made:0{size}}".encode(), "text/plain")

        return self.answers.get(key, make).body


def test_an_answer_is_given_again_for_some_seconds():
    kitchen = Kitchen(seconds=5)
    first = kitchen.get()
    kitchen.clock.pass_by(seconds=4.9)
    assert kitchen.get() == first
    assert kitchen.get("other") != first
    kitchen.clock.pass_by(seconds=0.1)
    assert kitchen.get() != first


def test_an_answer_ends_with_the_night_that_it_is_of():
    kitchen = Kitchen(seconds=300)
    first = kitchen.get()
    kitchen.night = 2
    kitchen.clock.pass_by(seconds=1)
    assert kitchen.get() != first
    assert kitchen.looked == 2


def test_nothing_is_kept_of_a_night_that_is_no_longer_shown():
    kitchen = Kitchen(seconds=300, most_bytes=100_000)
    kitchen.get(size=20_000)
    kitchen.night = 2
    kitchen.clock.pass_by(seconds=1)
    kitchen.get("other")
    assert kitchen.answers._bytes < 20_000
    kitchen.night = 1
    kitchen.clock.pass_by(seconds=1)
    assert kitchen.get() == b"0000000003"


def test_a_warehouse_that_is_away_is_asked_once_a_second_at_most():
    kitchen = Kitchen()
    kitchen.night = -1
    for _ in range(10):
        with pytest.raises(WarehouseError, match="away"):
            kitchen.get()
        kitchen.clock.pass_by(seconds=0.09)
    assert kitchen.looked == 1
    kitchen.night = 1
    kitchen.clock.pass_by(seconds=0.1)
    assert kitchen.get() == b"0000000001"


def test_the_night_is_looked_up_once_a_second_at_most():
    kitchen = Kitchen()
    for _ in range(10):
        kitchen.get()
        kitchen.clock.pass_by(seconds=0.09)
    assert kitchen.looked == 1


def test_a_clock_that_is_put_back_keeps_nothing():
    kitchen = Kitchen(seconds=300)
    first = kitchen.get()
    kitchen.clock.pass_by(seconds=-3600)
    assert kitchen.get() != first


def test_without_seconds_every_answer_is_new():
    kitchen = Kitchen(seconds=0)
    assert kitchen.get() != kitchen.get()


def test_kept_answers_have_a_bound_and_the_least_used_goes_first():
    kitchen = Kitchen(most_bytes=2000)
    kept = {key: kitchen.get(key, 400) for key in ("a", "b")}
    kitchen.get("a")
    kitchen.get("c", 400)
    assert kitchen.get("a", 400) == kept["a"]
    assert kitchen.get("b", 400) != kept["b"]
    assert kitchen.get("huge", 2000) != kitchen.get("huge", 2000)
    assert kitchen.get("b", 400) == kitchen.get("b", 400)


def test_many_who_ask_for_the_same_at_once_wait_for_one():
    flights: Flights[int] = Flights()
    made: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def make() -> int:
        begun.set()
        go_on.wait(10)
        made.append(1)
        return len(made)

    found: list[int] = []
    readers = [threading.Thread(target=lambda: found.append(flights.do("page", make))) for _ in range(8)]
    for reader in readers:
        reader.start()
    begun.wait(10)
    time.sleep(0.1)
    go_on.set()
    for reader in readers:
        reader.join(10)
    assert (found, made) == ([1] * 8, [1])
    assert flights.do("page", make) == 2


def test_who_waits_for_another_does_not_wait_for_ever():
    flights: Flights[int] = Flights(longest_wait_seconds=0.05)
    begun, go_on = threading.Event(), threading.Event()

    def make() -> int:
        begun.set()
        go_on.wait(10)
        return 1

    first = threading.Thread(target=lambda: flights.do("page", make))
    first.start()
    begun.wait(10)
    with pytest.raises(TransientError, match="does not answer"):
        flights.do("page", make)
    go_on.set()
    first.join(10)
    assert flights.do("page", lambda: 2) == 2


# ---------------------------------------------------------------- a warehouse that hangs


def test_some_threads_are_left_for_what_needs_no_warehouse():
    assert [places_of(threads) for threads in (1, 2, 4, 8, 64)] == [1, 1, 3, 6, 48]


def test_a_place_is_waited_for_while_others_come_and_go_and_refused_once_nobody_does():
    places = Places(1, patience_seconds=0.2)
    places.take()
    threading.Timer(0.05, places.leave).start()
    places.take()
    for longest in (2.0, 0.1):  # the second is refused at once
        started = time.perf_counter()
        with pytest.raises(TransientError, match="does not answer"):
            places.take()
        assert time.perf_counter() - started < longest
    places.leave()
    with places.taken():
        pass


class Hanging:
    """A warehouse that says nothing until it is let go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def moment(self) -> AbstractContextManager[Connection]:
        self.go_on.wait(20)
        raise TransientError("The warehouse database was cut off.")


def test_a_hanging_warehouse_is_said_and_all_else_is_answered():
    hanging = Hanging()
    settings = Settings(dashboard=DashboardSection(threads=2))
    app = create_app(settings, hanging, Hands(), lambda event: None)
    first = threading.Thread(target=lambda: app.test_client().get("/", base_url="http://127.0.0.1"))
    first.start()
    started = time.perf_counter()
    try:
        for path in ("/", "/api/v1/runs", "/download/overview/kpis.csv"):
            assert app.test_client().get(path, base_url="http://127.0.0.1").status_code == 503, path
        assert app.test_client().get("/healthz", base_url="http://127.0.0.1").status_code == 200
        assert time.perf_counter() - started < 2 * PATIENCE_SECONDS
    finally:
        hanging.go_on.set()
        first.join(20)


# ---------------------------------------------------------------- downloads


class Rows:
    """A warehouse whose answer is cut off after the first part."""

    def __init__(self, text: str) -> None:
        self.text = text

    def execution_options(self, **_: object) -> Rows:
        return self

    execute = mappings = lambda self, *_: self

    @contextmanager
    def moment(self) -> Iterator[Any]:
        yield self

    def partitions(self, _: int) -> Iterator[list[dict[str, str]]]:
        yield [{"a": self.text}]
        raise TransientError("The warehouse database was cut off.")


def test_a_download_that_is_cut_off_is_logged_and_breaks_off():
    log: list[dict[str, object]] = []
    ask = Ask(Block("kpis", "Figures", "kpi_monthly", (Column("a", "A"),), "None."))
    places = Places(1)
    answer = Downloads(Rows("one\rtwo"), 1, places, log.append).answer(ask)
    with pytest.raises(TransientError):
        answer.get_data()
    answer.close()
    assert log == [{"event": "download cut off", "block": "kpis", "error": "The warehouse database was cut off."}]
    with places.taken():
        pass


def test_a_line_end_in_a_text_is_quoted_whichever_it_is():
    ask = Ask(Block("kpis", "Figures", "kpi_monthly", (Column("a", "A"),), "None."))
    for text in ("one\rtwo", "one\ntwo"):
        head = next(csv_lines(Rows(text), ask)).decode()
        assert list(csv.reader(io.StringIO(head, newline=""))) == [["a"], [text]]
        assert f'"{text}"' in head


def test_a_failure_is_not_kept():
    flights: Flights[int] = Flights()

    def fail() -> int:
        raise ValueError("away")

    with pytest.raises(ValueError, match="away"):
        flights.do("page", fail)
    assert flights.do("page", lambda: 7) == 7
