"""What readers of the dashboard look at: pages, anybody's own, selections of all customers, downloads."""

from __future__ import annotations

import csv
import http.client
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from benchmarks.place import say

_SHARE_OF_ANY_CUSTOMER, _SHARE_OF_SELECTIONS, _SHARE_OF_DOWNLOADS = 0.4, 0.25, 0.03
_SORTS = ("churn_probability", "value_at_risk", "expected_net_value", "clv_if_retained", "mrr", "segment", "plan")
FIXED = (
    "/", "/segments", "/at-risk", "/drivers", "/cohorts", "/value-risk", "/campaigns", "/model", "/runs",
    "/api/v1/overview", "/api/v1/segments", "/api/v1/at-risk",
)  # fmt: skip


@dataclass(frozen=True)
class Addresses:
    """What there is to look at.

    Attributes
    ----------
    ids : sequence of str
        Every customer of the company.
    """

    ids: Sequence[str]

    @classmethod
    def of(cls, url: str) -> Addresses:
        """Ask for every customer, as a download."""
        status, body = get(url, "/download/at-risk/customers.csv?population=all")
        if status != 200:
            raise RuntimeError(f"the customers were answered with {status}")
        ids = sorted(row["customer_id"] for row in csv.DictReader(io.StringIO(body.decode(), newline="")))
        say(f"{len(FIXED)} pages, {len(ids):,} customers, and selections of them to look at")
        return cls(ids)

    def any(self, chance: random.Random) -> str:
        """Return a page, anybody's own, a selection of all customers or a download of one."""
        share = chance.random()
        if share < _SHARE_OF_ANY_CUSTOMER:
            return f"/customer?id={quote(chance.choice(self.ids))}"
        share -= _SHARE_OF_ANY_CUSTOMER
        if share < _SHARE_OF_SELECTIONS:
            return f"{chance.choice(('', '/api/v1'))}/at-risk?{self._selection(chance)}"
        share -= _SHARE_OF_SELECTIONS
        if share < _SHARE_OF_DOWNLOADS:
            return f"/download/at-risk/customers.csv?{self._selection(chance)}"
        return chance.choice(FIXED)

    def _selection(self, chance: random.Random) -> str:
        """Return a search, a filter, or a page far down in some order."""
        asked: list[dict[str, Any]] = [
            {"customer": chance.choice(self.ids)[:-2] or "C"},
            {"risk_band": chance.choice(("high", "medium", "low")), "min_probability": f"{chance.random() / 2:.2f}"},
            {"page": chance.randint(1, 1 + len(self.ids) // 50)},
        ]
        sort = {"sort": chance.choice(_SORTS), "descending": chance.choice(("true", "false"))}
        return urlencode({"population": "all", **sort, **chance.choice(asked)})


def get(url: str, path: str) -> tuple[int, bytes]:
    """Return the status and the body of an answer."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
