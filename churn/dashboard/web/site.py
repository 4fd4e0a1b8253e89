"""What every page has around it: the menu, links, files; and pages that say what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from flask import request
from jinja2 import Environment

from churn.config import Settings
from churn.dashboard.formats import Formats
from churn.dashboard.pages import PAGES, Page, Query
from churn.dashboard.reading import Seen
from churn.dashboard.rendering import environment, render
from churn.dashboard.web.failing import Failure
from churn.dashboard.web.files import Files

HOME = PAGES[0].name
DESCRIPTION = "/api/v1/openapi.json"


@dataclass(frozen=True)
class Site:
    """Writes pages.

    Attributes
    ----------
    templates : Environment
    files : Files
    asks_for_token : bool
        Whether there is a session to end.
    """

    templates: Environment
    files: Files
    asks_for_token: bool

    def page(self, page: Page, query: Query, seen: Seen) -> str:
        """Return a page as HTML."""
        return render(self.templates, page.template, self.around() | page.shown(seen, query))

    def plain(self, template: str, title: str, **shown: Any) -> str:
        """Return a page that shows nothing of the warehouse."""
        page = SimpleNamespace(name="", title=title, question="")
        nothing: dict[str, Any] = {"query": None, "state": None, "blocks": {}, "charts": {}}
        return render(self.templates, template, self.around() | nothing | {"page": page, "title": title} | shown)

    def failure(self, failure: Failure) -> str:
        """Return the page that says what went wrong and what to do."""
        return self.plain(
            "error.html", failure.title, detail=failure.detail, advice=failure.advice, status=failure.status
        )

    def around(self) -> dict[str, Any]:
        """Return what every template is given, for the request that is being served."""
        root = request.script_root
        return {
            "menu": [page for page in PAGES if page.in_menu],
            "link": lambda name, **query: f"{root}{path_of(name, **query)}",
            "asset": lambda name: f"{root}{self.files.url(name)}",
            "download": lambda page, block, **query: f"{root}/download/{page}/{block}.csv{_after(query)}",
            "api": f"{root}{DESCRIPTION}",
            "login": f"{root}/login" if self.asks_for_token else "",
        }


def templates_of(settings: Settings) -> Environment:
    """Return the templates, in the business's currency and zone."""
    return _templates(Formats(settings.business.currency, settings.business.timezone, settings.dashboard.locale))


@cache
def _templates(formats: Formats) -> Environment:
    """Return the templates, those of the pages compiled already, so that no reader waits for it."""
    made = environment(formats)
    for page in PAGES:
        made.get_template(page.template)
    return made


def path_of(name: str, **query: Any) -> str:
    """Return the address of a page; what is asked as None or empty is left out."""
    return f"/{'' if name == HOME else name}{_after(query)}"


def _after(query: dict[str, Any]) -> str:
    given = {name: _written(value) for name, value in query.items() if value is not None and value != ""}
    return f"?{urlencode(given, doseq=True)}" if given else ""


def _written(value: Any) -> str | list[str]:
    if isinstance(value, tuple | list):
        return [str(_written(item)) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)
