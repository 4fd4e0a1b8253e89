"""The JSON API over a published night: what it answers, page by page, what it refuses, and that it is as described."""

from __future__ import annotations

import json
import re
import subprocess
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy.engine import Connection
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import TestResponse

from churn.dashboard.blocks import Kind
from churn.dashboard.pages import PAGES, Page
from churn.dashboard.reading import Seen, read
from churn.dashboard.source import Reader
from churn.dashboard.web.app import create_app
from churn.errors import TransientError, WarehouseError
from tests.e2e.company import AS_OF, Office

TOKEN = "a-token-that-only-these-tests-know"
PROBLEM = "application/problem+json"
DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "api.md"


def nobody(_event: dict[str, Any]) -> None:
    """A log that nobody reads."""


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def reader(published: Office) -> Iterator[Reader]:
    made = Reader(published.settings)
    yield made
    made.close()


@pytest.fixture(scope="module")
def app(published: Office, reader: Reader) -> Flask:
    return create_app(published.settings, reader, now, nobody)


@pytest.fixture(scope="module")
def api(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="module")
def locked_app(published: Office, reader: Reader) -> Flask:
    """The same, for those who have the token."""
    section = published.settings.dashboard.model_copy(update={"token": SecretStr(TOKEN)})
    return create_app(published.settings.model_copy(update={"dashboard": section}), reader, now, nobody)


@pytest.fixture(scope="module")
def customer(published: Office) -> str:
    """Whom to contact first."""
    (first,) = published.column("select customer_id from bi.at_risk_customers order by priority_rank limit 1")
    return str(first)


class Quiet(WSGIRequestHandler):
    """Serves, and logs nothing."""

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve on a free port of this machine; yields the address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answered(response: TestResponse) -> Any:
    """The JSON of an answer, numbers to the last digit."""
    assert response.status_code == 200, response.text
    assert response.content_type == "application/json"
    return json.loads(response.get_data(), parse_float=Decimal)


def links(response: TestResponse) -> dict[str, str]:
    """The header that leads to other pages."""
    return {name: url for url, name in re.findall(r'<([^>]+)>; rel="(\w+)"', response.headers.get("Link", ""))}


# ---------------------------------------------------------------- as described


def test_schemathesis_finds_nothing(app: Flask, tmp_path: Path) -> None:
    command = Path(sysconfig.get_path("scripts")) / "schemathesis"
    with serving(app) as address:
        options = (
            "--phases=examples,coverage,fuzzing",
            "--checks=all",
            "--max-examples=25",
            "--seed=7",
            "--generation-database=none",
            "--suppress-health-check=all",
            "--no-color",
        )
        done = subprocess.run(
            [command, "run", f"{address}/api/v1/openapi.json", *options],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    # Everything but the description itself, which it has read to begin with.
    assert re.search(rf"Tested: {len(PAGES) + 1}\b", done.stdout), done.stdout


def asked(page: Page, customer: str) -> dict[str, str]:
    """What makes a page show something."""
    return {"id": customer} if page.name == "customer" else {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_holds_what_its_columns_say(published: Office, customer: str, page: Page) -> None:
    with published.reading() as connection:
        seen = seen_on(connection, page, asked(page, customer))
    assert any(answer.rows for answer in seen.answers.values())
    wrong = [
        f"{name}.{column.name} is called {column.kind} and holds {row[column.name]!r}"
        for name, answer in seen.answers.items()
        for column in answer.block.columns
        for row in answer.rows
        if row[column.name] is not None and not holds(column.kind, row[column.name])
    ]
    assert wrong == []
    for name, answer in seen.answers.items():
        for row in answer.rows:
            assert list(row) == [column.name for column in answer.block.columns], name


def seen_on(connection: Connection, page: Page, query: dict[str, str]) -> Seen:
    return read(connection, page.asks(page.query.model_validate(query)))


def holds(kind: Kind, value: Any) -> bool:
    """Whether a value of the database is of a kind."""
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    match kind:
        case "text" | "id":
            return isinstance(value, str)
        case "integer":
            return is_number and value == int(value)
        case "date" | "month":
            return isinstance(value, date) and not isinstance(value, datetime) and (kind == "date" or value.day == 1)
        case "timestamp":
            return isinstance(value, datetime) and value.tzinfo is not None
        case "boolean":
            return isinstance(value, bool)
        case "json":
            return isinstance(value, dict | list)
        case _:
            return is_number


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_answered_as_it_was_read_and_as_it_is_described(
    published: Office, api: FlaskClient, customer: str, page: Page
) -> None:
    query = asked(page, customer)
    told = answered(api.get(f"/api/v1/{page.name}?{urlencode(query)}"))
    with published.reading() as connection:
        seen = seen_on(connection, page, query)
    assert seen.state.night is not None
    assert (told["as_of_date"], told["run_id"]) == (AS_OF.isoformat(), seen.state.night.run_id)
    assert set(told["query"]) == set(page.query.model_fields)
    assert list(told["blocks"]) == list(seen.answers)
    for name, answer in seen.answers.items():
        block = told["blocks"][name]
        assert (block["title"], block["view"]) == (answer.block.title, f"bi.{answer.block.view}")
        assert (block["total"], block["pages"], len(block["rows"])) == (answer.total, answer.pages, len(answer.rows))
        for column in answer.block.columns:
            if column.kind == "money":
                said = [str(row[column.name]) for row in block["rows"]]
                assert said == [str(row[column.name]) for row in answer.rows]
    described = api.get("/api/v1/openapi.json").get_json()
    schema = described["paths"][f"/{page.name}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    plain = api.get(f"/api/v1/{page.name}?{urlencode(query)}").get_json()
    jsonschema_rs.validate(schema | {"components": described["components"]}, plain)


def test_the_api_lists_what_there_is_to_read(api: FlaskClient) -> None:
    listed = answered(api.get("/api/v1/"))
    assert [each["name"] for each in listed["resources"]] == [page.name for page in PAGES]
    for address in [listed["description"], *(each["href"] for each in listed["resources"])]:
        assert api.get(address).status_code == 200


# ---------------------------------------------------------------- again, and on


@pytest.mark.parametrize("path", ["/api/v1/", "/api/v1/openapi.json", "/api/v1/overview", "/api/v1/runs?days=3"])
def test_what_has_not_changed_is_not_sent_again(api: FlaskClient, path: str) -> None:
    first = api.get(path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert "Access-Control-Allow-Origin" not in first.headers
    again = api.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    other = api.get(path, headers={"If-None-Match": 'W/"other"'})
    assert (other.status_code, other.get_data()) == (200, first.get_data())
    head = api.head(path)
    assert (head.status_code, head.get_data(), head.headers["ETag"]) == (200, b"", first.headers["ETag"])
    assert head.headers["Content-Length"] == str(len(first.get_data()))


def test_answers_to_other_questions_are_told_apart(api: FlaskClient) -> None:
    paths = ("/api/v1/runs", "/api/v1/runs?job=train", "/api/v1/drivers", "/api/v1/overview")
    assert len({api.get(path).headers["ETag"] for path in paths}) == len(paths)


PAGED = [page for page in PAGES if "page" in page.query.model_fields]


@pytest.mark.parametrize("sort", ["", "segment", "churn_probability"])
def test_the_links_lead_to_each_row_once(published: Office, api: FlaskClient, sort: str) -> None:
    asked = {"population": "all", "size": "170"} | ({"sort": sort} if sort else {})
    address: str | None = f"/api/v1/at-risk?{urlencode(asked)}"
    found: list[str] = []
    pages = 0
    while address is not None:
        response = api.get(address)
        block = answered(response)["blocks"]["customers"]
        pages += 1
        assert (block["page"], block["page_size"]) == (pages, 170)
        assert len(block["rows"]) <= 170
        found += [row["customer_id"] for row in block["rows"]]
        assert ("prev" in links(response)) is (pages > 1)
        address = links(response).get("next")
    assert pages == block["pages"] > 2
    assert len(found) == block["total"]
    assert sorted(found) == sorted(published.column("select customer_id from bi.customer_scores"))


@pytest.mark.parametrize("page", PAGED, ids=lambda page: page.name)
def test_a_page_after_the_last_is_empty_and_leads_back(api: FlaskClient, page: Page) -> None:
    first = links(api.get(f"/api/v1/{page.name}"))
    response = api.get(f"/api/v1/{page.name}?page=99999")
    if response.status_code == 404:
        problem_of(response, 404)
        return
    (block,) = [block for block in answered(response)["blocks"].values() if block["page_size"] is not None]
    assert (block["rows"], block["page"]) == ([], 99_999)
    assert links(response) == {"first": first["first"], "prev": first["last"], "last": first["last"]}


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({"risk_band": "high"}, "risk_band = 'high'"),
        ({"value_tier": "high", "risk_band": "high"}, "value_tier = 'high' and risk_band = 'high'"),
        ({"campaign_group": "holdout"}, "campaign_group = 'holdout'"),
        ({"min_probability": "0.1"}, "churn_probability >= 0.1"),
        ({"min_value_at_risk": "25.5"}, "value_at_risk >= 25.5"),
        ({"customer": "C0001"}, "customer_id like 'C0001%'"),
        ({"customer": "_"}, "false"),
    ],
)
def test_filters_narrow_the_list(published: Office, api: FlaskClient, query: dict[str, str], where: str) -> None:
    told = answered(api.get(f"/api/v1/at-risk?{urlencode(query | {'size': '200'})}"))
    found = [row["customer_id"] for row in told["blocks"]["customers"]["rows"]]
    assert found == published.column(
        f"select customer_id from bi.at_risk_customers where {where} order by priority_rank"
    )
    assert {name: str(value) for name, value in told["query"].items() if name in query} == query


# ---------------------------------------------------------------- what is refused


HOSTILE = "<script>alert('1')</script>\"; drop table bi.segments; --"


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/api/v1/nothing", 404, "no such resource"),
        ("GET", "/api/v2/", 404, "no such resource"),
        ("GET", "/api/", 404, "no such resource"),
        ("GET", "/api/v1/overview/", 404, "no such resource"),
        ("GET", "/api/v1/customer?id=nobody", 404, "nobody"),
        ("GET", f"/api/v1/customer?{urlencode({'id': HOSTILE})}", 404, "<script>"),
        ("GET", f"/api/v1/customer?id={'x' * 500}", 400, "id"),
        ("GET", f"/api/v1/customer?id={'x' * 10_000}", 414, "too long"),
        ("GET", "/api/v1/customer?id=a%00b", 400, "id"),
        ("GET", "/api/v1/overview?since=1", 400, "since"),
        ("GET", "/api/v1/?x=1", 400, "x"),
        ("GET", "/api/v1/openapi.json?x=1", 400, "x"),
        ("GET", "/api/v1/at-risk?page=0", 400, "page"),
        ("GET", "/api/v1/at-risk?page=1&page=2", 400, "page"),
        ("GET", "/api/v1/at-risk?sort=why", 400, "sort"),
        ("GET", "/api/v1/at-risk?min_probability=NaN", 400, "min_probability"),
        ("POST", "/api/v1/overview", 405, "GET or HEAD"),
        ("DELETE", "/api/v1/", 405, "GET or HEAD"),
        ("OPTIONS", "/api/v1/overview", 405, "GET or HEAD"),
    ],
)
def test_what_is_wrong_is_told_as_a_problem(app: Flask, method: str, path: str, status: int, said: str) -> None:
    response = app.test_client().open(path, method=method)
    told = problem_of(response, status)
    assert said in json.dumps(told)
    if status == 400:
        assert [fault["name"] for fault in told["parameters"]] == [said]
    if status == 405:
        assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def problem_of(response: TestResponse, status: int) -> dict[str, Any]:
    """What an error says, in the form that the description gives it."""
    assert (response.status_code, response.content_type) == (status, PROBLEM), response.text
    assert response.headers["Cache-Control"] == "no-store"
    told: dict[str, Any] = json.loads(response.get_data())
    assert told["status"] == status
    assert {"type", "title", "detail"} < told.keys()
    assert told.keys() <= {"type", "title", "status", "detail", "advice", "parameters"}
    return told


def test_who_has_no_token_is_told_how_to_show_one(locked_app: Flask) -> None:
    client = locked_app.test_client()
    wrong: list[tuple[dict[str, str], str]]
    wrong = [({}, path) for path in ("/api/v1/", "/api/v1/openapi.json", "/api/v1/overview", "/api/v1/nothing")]
    for headers, path in [*wrong, ({"Authorization": "Bearer x"}, "/api/v1/"), ({"Authorization": TOKEN}, "/api/v1/")]:
        response = client.get(path, headers=headers)
        problem_of(response, 401)
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert client.get("/api/v1/", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


class BrokenSource:
    """A warehouse that can't be read."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def moment(self) -> AbstractContextManager[Connection]:
        raise self._error


@pytest.mark.parametrize("error", [TransientError("The warehouse is busy."), WarehouseError("It took too long.")])
def test_a_warehouse_that_cannot_be_read_is_told_with_when_to_try_again(published: Office, error: Exception) -> None:
    client = create_app(published.settings, BrokenSource(error), now, nobody).test_client()
    response = client.get("/api/v1/overview")
    problem_of(response, 503)
    assert int(response.headers["Retry-After"]) > 0
    assert client.get("/api/v1/openapi.json").status_code == 200


def test_a_defect_shows_nothing_of_the_inside(published: Office) -> None:
    inside = RuntimeError("select secret from /srv/churn where id = 'C000001'")
    heard: list[dict[str, Any]] = []
    client = create_app(published.settings, BrokenSource(inside), now, heard.append).test_client()
    told = problem_of(client.get("/api/v1/overview"), 500)
    assert "secret" not in json.dumps(told)
    assert "/srv" not in json.dumps(told)
    assert any(event["event"] == "defect" for event in heard)
    assert "C000001" not in json.dumps(heard)


# ---------------------------------------------------------------- as the documentation has it


def test_the_program_of_the_documentation_reads_the_whole_list(
    published: Office, locked_app: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.S)
    assert "http://127.0.0.1:8050" in program
    monkeypatch.setenv("CHURN_TOKEN", TOKEN)
    with serving(locked_app) as address:
        exec(compile(program.replace("http://127.0.0.1:8050", address), "api.md", "exec"), {})  # noqa: S102
    shown = capsys.readouterr().out.splitlines()
    listed = published.column("select customer_id from bi.at_risk_customers where campaign_group = 'treatment'")
    assert len(shown) == len(listed) > 0
    assert {line.split()[0] for line in shown} == set(listed)


def test_the_addresses_of_the_documentation_are_answered(app: Flask, customer: str) -> None:
    addresses = re.findall(r"http://127\.0\.0\.1:8050(/[^\s'\"`]*)", DOCUMENT.read_text("utf-8"))
    assert len(addresses) > 5
    for address in addresses:
        response = app.test_client().get(address.replace("C000042", customer))
        assert response.status_code == 200, address
