"""The web application without a warehouse: what is said when it is away, and who is let in."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.config.dashboard import DashboardSection
from churn.dashboard.web.app import create_app
from churn.errors import ChurnError, WarehouseError

NOW = datetime(2025, 11, 3, 8, tzinfo=UTC)
TOKEN = "a-token-of-more-than-24-letters"


class Hands:
    """A clock whose time is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


class Away:
    """A warehouse that can't be read."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error or WarehouseError("The warehouse database can't be reached.", "Check warehouse.url.")

    def moment(self) -> AbstractContextManager[Connection]:
        raise self.error


class Web:
    """An application and what it logs."""

    def __init__(self, error: ChurnError | Exception | None = None, **keys: Any) -> None:
        self.clock = Hands()
        self.log: list[dict[str, Any]] = []
        self.settings = Settings(dashboard=DashboardSection(**keys))
        self.app = create_app(self.settings, Away(error), self.clock, self.log.append)

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def get(self, path: str, **more: Any) -> Any:
        return self.app.test_client(use_cookies=False).get(path, **{"base_url": "http://127.0.0.1:8050", **more})
