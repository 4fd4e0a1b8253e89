"""Copies of a small company whose first night is published, for tests that run whole nights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.conftest import MakeTemplate
from tests.e2e.company import Office, copied, dropped, fill_source, fill_warehouse


class MakeOffice(Protocol):
    """Makes an office of its own: trained, the night of AS_OF published. Keywords are keys of churn.toml."""

    def __call__(self, **config: Any) -> Office: ...


@pytest.fixture(scope="session")
def make_office(make_template: MakeTemplate, server_home: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeOffice:
    """Make offices for tests of any scope; `office` serves most."""
    source = make_template("company_source", fill_source)

    def fill(url: str) -> None:
        office = Office(tmp_path_factory.mktemp("first"), copied(server_home, source), url)
        fill_warehouse(office)
        dropped(server_home, office.source_url)

    warehouse = make_template("company_warehouse", fill)

    def make(**config: Any) -> Office:
        office = Office(tmp_path_factory.mktemp("office"), copied(server_home, source), copied(server_home, warehouse))
        office.configure(**config)
        return office

    return make


@pytest.fixture
def office(make_office: MakeOffice, server_home: Path) -> Iterator[Office]:
    """An office that is this test's alone."""
    made = make_office()
    yield made
    dropped(server_home, made.source_url, made.warehouse_url)


@pytest.fixture(scope="module")
def published(make_office: MakeOffice) -> Office:
    """The first published night, for tests that only look."""
    return make_office()
