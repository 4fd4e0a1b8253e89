"""The JSON API: the pages' read models, below /api/v1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request, url_for

from churn import __version__
from churn.dashboard.blocks import Answer
from churn.dashboard.pages import PAGES, Page, Query
from churn.dashboard.reading import Seen
from churn.dashboard.web.asking import QueryError, asked
from churn.dashboard.web.cache import Made
from churn.dashboard.web.jsontext import json_text
from churn.dashboard.web.openapi import description
from churn.dashboard.web.problems import problem
from churn.dashboard.web.reading import Desk, answered

PREFIX = "/api/v1"
_JSON = "application/json"


@dataclass(frozen=True)
class Api:
    """What is answered below `/api/v1`.

    Attributes
    ----------
    desk : Desk
    secured : bool
        Whether readers show a token, for the description.
    pages : tuple of Page
    """

    desk: Desk
    secured: bool
    pages: tuple[Page, ...] = PAGES

    def blueprint(self) -> Blueprint:
        """Return the addresses with what answers them; whatever else goes wrong is the application's to tell."""
        made = Blueprint("api", __name__, url_prefix=PREFIX)
        made.add_url_rule("/", "resources", self.resources, strict_slashes=False)
        made.add_url_rule("/openapi.json", "description", self.description)
        for page in self.pages:
            made.add_url_rule(f"/{page.name}", _endpoint(page), self._reader(page))
        made.register_error_handler(QueryError, _bad_query)
        return made

    def resources(self) -> Response:
        """List what there is to read."""
        asked(Query, request.args)
        listed = {
            "version": __version__,
            "description": url_for("api.description"),
            "resources": [
                {
                    "name": page.name,
                    "title": page.title,
                    "question": page.question,
                    "href": url_for(f"api.{_endpoint(page)}"),
                }
                for page in self.pages
            ],
        }
        return answered(Made(json_text(listed).encode(), _JSON))

    def description(self) -> Response:
        """Describe the API, as OpenAPI has it."""
        asked(Query, request.args)
        return answered(_description(self.pages, f"{request.script_root}{PREFIX}", self.secured))

    def _reader(self, page: Page) -> Callable[[], Response]:
        def read() -> Response:
            query = asked(page.query, request.args)
            return self.desk.kept(lambda: _page(page, query, self.desk.seen(page, query)))

        return read


def body(seen: Seen, query: Query) -> dict[str, Any]:
    """Return a page as the API gives it."""
    night = seen.state.night
    return {
        "as_of_date": night.as_of_date if night is not None else None,
        "run_id": night.run_id if night is not None else None,
        "query": query.model_dump(),
        "blocks": {name: _block(answer) for name, answer in seen.answers.items()},
    }


def _block(answer: Answer) -> dict[str, Any]:
    return {
        "title": answer.block.title,
        "view": f"bi.{answer.block.view}",
        "rows": answer.rows,
        "total": answer.total,
        "page": answer.paging.page if answer.paging is not None else 1,
        "page_size": answer.paging.size if answer.paging is not None else None,
        "pages": answer.pages,
    }


def _endpoint(page: Page) -> str:
    return page.name.replace("-", "_")


def _page(page: Page, query: Query, seen: Seen) -> Made:
    return Made(json_text(body(seen, query)).encode(), _JSON, _links(page, seen))


def _links(page: Page, seen: Seen) -> dict[str, str]:
    """Return the header that leads to the other pages (RFC 8288), where there may be more than one."""
    found = [answer for answer in seen.answers.values() if answer.paging is not None]
    if not found or "page" not in page.query.model_fields or found[0].paging is None:
        return {}
    here, last = found[0].paging.page, found[0].pages
    pages = {"first": 1, "prev": min(here - 1, last), "next": here + 1, "last": last}
    given = [(name, value) for name, value in request.args.items(multi=True) if name != "page"]
    return {
        "Link": ", ".join(
            f'<{request.script_root}{request.path}?{urlencode([*given, ("page", number)])}>; rel="{name}"'
            for name, number in pages.items()
            if 1 <= number <= last
        )
    }


@lru_cache(maxsize=8)
def _description(pages: tuple[Page, ...], server: str, secured: bool) -> Made:
    return Made(json_text(description(pages, server, secured=secured)).encode(), _JSON)


def _bad_query(error: QueryError) -> Response:
    return problem(400, error.message, error.hint, faults=error.faults)
