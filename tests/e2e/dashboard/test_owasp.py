"""The dashboard against those who mean ill: hostile ids and queries, methods, hosts, tokens, proxies, secrets."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from churn.config.dashboard import DashboardSection
from churn.dashboard.pages import PAGES
from churn.dashboard.source import Reader
from churn.dashboard.web.app import create_app
from churn.dashboard.web.security import HEADERS
from tests.e2e.company import Office, dropped
from tests.e2e.conftest import MakeOffice
from tests.e2e.dashboard.test_serve import Served

TOKEN = "correct-horse-battery-staple"
HOSTILE_IDS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(2)</script>",
    "' or 1=1 --",
    '=HYPERLINK("http://evil.example","x")',
    "../../etc/passwd",
    "{{ 7 * 7 }} ${7*7} %s %(x)s :id",
    "javascript:alert(1)",
    "a&b=c?d#e/f;g",
    "Ünïcode \u202e 客户 🙂",
)
HOSTILE_VALUES = (
    *HOSTILE_IDS,
    "'; drop table ops.runs; --",
    "1 union select rolname from pg_roles",
    "\x00",
    "%00",
    "a\r\nSet-Cookie: x=y",
    "x" * 10_000,
    "-1",
    "0",
    "99999999999999999999999",
    "1e309",
    "NaN",
    "9999-99-99",
    "",
)
BROKEN_OUT = ("<script>alert", "<img src=x", "onerror=alert(1)>", "Traceback", "psycopg2", "SQLSTATE")


@pytest.fixture(scope="module")
def beset(make_office: MakeOffice, server_home) -> Iterator[Served]:
    """An office with hostile customers at the top of its list."""
    office: Office = make_office()
    listed = office.column("select customer_id from bi.at_risk_customers order by priority_rank limit 10")
    for old, new in zip(listed, HOSTILE_IDS, strict=True):
        for table in ("customer_keys", "customers"):
            office.change_warehouse(
                f"update staging.{table} set customer_id = :new where customer_id = :old", old=old, new=new
            )
    served = Served(office, {"cache_seconds": 0})
    yield served
    served.reader.close()
    dropped(server_home, office.source_url, office.warehouse_url)


def addresses() -> list[tuple[str, str]]:
    """Every page, its API and its first block, with every parameter that it takes."""
    found = []
    for page in PAGES:
        query = page.query(**({"id": "x"} if "id" in page.query.model_fields else {}))
        block = page.asks(query)[0].block.name
        for path in (f"/{page.name}", f"/api/v1/{page.name}", f"/download/{page.name}/{block}.csv"):
            found += [(path, parameter) for parameter in (*page.query.model_fields, "unknown")]
    return found


@pytest.mark.parametrize(("path", "parameter"), addresses())
def test_no_value_of_a_parameter_does_harm(beset, path, parameter):
    for value in HOSTILE_VALUES:
        answer = beset.get(f"{path}?{parameter}={quote(value)}")
        body = answer.data.decode()
        assert answer.status_code in (200, 400, 404, 414), (value, answer.status_code)
        if answer.mimetype == "text/html":
            assert [word for word in BROKEN_OUT if word in body] == [], value
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("customer_id", HOSTILE_IDS)
def test_a_hostile_id_is_shown_as_text_and_leads_to_its_customer(beset, customer_id):
    page = beset.get(f"/customer?id={quote(customer_id)}")
    body = page.data.decode()
    assert page.status_code == 200
    assert html.escape(customer_id, quote=False) in html.unescape(body).replace("&", "&amp;").replace(
        "<", "&lt;"
    ).replace(">", "&gt;")
    assert [word for word in BROKEN_OUT if word in body] == []
    found = beset.get(f"/api/v1/customer?id={quote(customer_id)}")
    assert (found.status_code, found.json["query"]["id"]) == (200, customer_id)


def test_pages_with_hostile_customers_run_nothing_and_lead_to_them(beset):
    led = set()
    for page in PAGES:
        if page.name == "customer":
            continue
        body = beset.get(f"/{page.name}").data.decode()
        assert [word for word in BROKEN_OUT if word in body] == [], page.name
        assert re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<\w[^>]*\son\w+=|<style", body) == []
        led |= {html.unescape(link) for link in re.findall(r'href="(/customer\?id=[^"]*)"', body)}
    assert {f"/customer?id={quote(one, safe='')}" for one in HOSTILE_IDS} <= {
        link.replace("+", "%20").replace("/customer%3F", "/customer?") for link in led
    }
    for link in led:
        assert beset.get(link).status_code == 200, link


def test_a_spreadsheet_runs_nothing_of_a_download(beset):
    cells = []
    for page in PAGES:
        if "id" in page.query.model_fields:
            continue
        for ask in page.asks(page.query()):
            sent = beset.get(f"/download/{page.name}/{ask.block.name}.csv")
            assert sent.status_code == 200, (page.name, ask.block.name)
            cells += [cell for row in csv.reader(io.StringIO(sent.data.decode())) for cell in row]
    formulas = [cell for cell in cells if re.match(r"[=@\t\r]|[+-](?![\d.])", cell)]
    assert formulas == []
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)


def test_other_places_than_ours_are_not_reached(beset):
    for path in (
        "/static/../app.py",
        "/static/x/..%2f..%2fapp.py",
        "/static/x/%2e%2e/%2e%2e/app.py",
        "/../../etc/passwd",
        "/download/../../etc/passwd.csv",
        "/download/overview/..%2f..%2fx.csv",
        "/\\evil.example",
        "/customer/x",
        "/.env",
        "/churn.toml",
        "/console",
    ):
        answer = beset.get(path)
        assert answer.status_code in (400, 404), path
        assert "Location" not in answer.headers
        assert b"root:" not in answer.data


def test_no_page_holds_a_secret_or_an_address_of_a_database(beset):
    section = DashboardSection(token=SecretStr(TOKEN))
    settings = beset.settings.model_copy(update={"dashboard": section})
    reader, log = Reader(settings), list[dict[str, Any]]()
    try:
        client = create_app(settings, reader, lambda: beset.now, log.append).test_client()
        assert client.get("/", base_url="http://127.0.0.1").status_code == 401
        for path in (*(f"/{page.name}" for page in PAGES), "/api/v1/", "/api/v1/openapi.json", "/login", "/nothing"):
            body = client.get(
                path, base_url="http://127.0.0.1", headers={"Authorization": f"Bearer {TOKEN}"}
            ).data.decode()
            for secret in (TOKEN, "postgresql://", "postgres:", str(beset.office.folder), "password="):
                assert secret not in body, (path, secret)
        assert TOKEN not in repr(log)
    finally:
        reader.close()
