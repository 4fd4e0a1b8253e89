"""The application: who may ask, what is answered, and what is said when it can't be."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from churn.config import Settings
from churn.config.dashboard import DashboardSection
from churn.dashboard.pages import PAGES
from churn.dashboard.reading import Source
from churn.dashboard.web.access import Door, refuse_open_door
from churn.dashboard.web.api import Api
from churn.dashboard.web.cache import Answers, Edition
from churn.dashboard.web.downloads import Downloads
from churn.dashboard.web.failing import RefusedError, failure_of
from churn.dashboard.web.files import Files
from churn.dashboard.web.limits import Limits
from churn.dashboard.web.pages import Pages, way_back
from churn.dashboard.web.places import Places, places_of
from churn.dashboard.web.problems import below_api, http_problem, problem
from churn.dashboard.web.proxies import CLIENT, IS_LOCAL, behind_proxies, networks
from churn.dashboard.web.reading import Desk, edition_of
from churn.dashboard.web.security import with_headers
from churn.dashboard.web.site import Site, templates_of
from churn.errors import ChurnError
from churn.ledger import Clock

Log = Callable[[dict[str, Any]], None]

LONGEST_ADDRESS = 4_000
MOST_FORM_BYTES = 8_192
_GRACE_SECONDS = 2
_KNOWN_NAMES = {"next", *(name for page in PAGES for name in page.query.model_fields)}
_FOR_ALL = {"pages.healthz", "pages.login", "pages.let_in", "pages.let_go", "files.file"}


def create_app(settings: Settings, source: Source, clock: Clock, log: Log) -> Flask:
    """Make the application.

    Parameters
    ----------
    settings : Settings
    source : Source
        Reads the warehouse.
    clock : callable
    log : callable
        Hears of each request.

    Raises
    ------
    ConfigError
        Everybody who reaches the address could read.
    """
    refuse_open_door(settings)
    limits = Limits(settings.dashboard.requests_per_minute, clock)
    door = Door(settings, limits, clock)
    places = Places(places_of(settings.dashboard.threads))
    desk = Desk(source, _answers(settings.dashboard, source, clock), places)
    downloads = Downloads(source, max(1, settings.dashboard.threads // 2), places, log)
    files = Files()
    site = Site(templates_of(settings), files, door.asks_for_token)
    app = Flask("churn.dashboard", static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_FORM_BYTES
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.register_blueprint(files.blueprint())
    app.register_blueprint(Pages(desk, site, door, downloads).blueprint())
    app.register_blueprint(Api(desk, door.asks_for_token).blueprint())
    _watch(app, clock, log)
    _guard(app, door, limits)
    _explain(app, site, log, among_us=settings.dashboard.is_for_nobody_else)
    app.wsgi_app = with_headers(behind_proxies(app.wsgi_app, networks(settings.dashboard.trusted_proxies)))  # type: ignore[assignment, method-assign]
    return app


def _answers(dashboard: DashboardSection, source: Source, clock: Clock) -> Answers:
    """Return what keeps answers; who waits for another's does so a little longer than a query may take."""
    longest = dashboard.statement_timeout_seconds + _GRACE_SECONDS
    edition = Edition(lambda: edition_of(source), clock, longest)
    return Answers(edition, clock, dashboard.cache_seconds, longest_wait_seconds=longest)


def _guard(app: Flask, door: Door, limits: Limits) -> None:
    @app.before_request
    def check() -> None:
        if request.endpoint != "pages.healthz":  # it says nothing, and is asked by whatever name a container has
            door.refuse_strange_host(request)
        if len(request.environ["PATH_INFO"]) + len(request.environ["QUERY_STRING"]) > LONGEST_ADDRESS:
            raise RefusedError(414, "The address is too long.", "Search for fewer letters.")
        limits.count_request(request.environ[CLIENT], is_local=request.environ[IS_LOCAL])
        if request.endpoint not in _FOR_ALL:
            door.refuse_strangers(request)


def _explain(app: Flask, site: Site, log: Log, *, among_us: bool) -> None:
    def explain(error: Exception) -> Response:
        failure = failure_of(error, among_us=among_us)
        if failure.status == 500:
            log(_defect(error))
        elif failure.status == 503:
            log({"event": "unanswered", "error": str(error)})
        if below_api(request.path):
            answer = (
                http_problem(error)
                if isinstance(error, HTTPException)
                else problem(failure.status, failure.detail, failure.advice)
            )
        elif failure.status == 401 and site.asks_for_token:
            go_on = way_back(request.full_path.rstrip("?"))
            shown = {"go_on": go_on, "said": "", "is_in": False}
            paths = {"action": f"{request.script_root}/login", "leave": f"{request.script_root}/logout"}
            answer = Response(site.plain("login.html", "Log in", **shown, **paths), 401)
        else:
            answer = Response(site.failure(failure), failure.status)
        return _marked(answer, failure.status, failure.retry_after, error)

    for kind in (ChurnError, HTTPException, Exception):
        app.register_error_handler(kind, explain)


def _marked(answer: Response, status: int, retry_after: int | None, error: Exception) -> Response:
    """Put on an answer what programs read of it."""
    answer.headers["Cache-Control"] = "no-store"
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="churn"'
    if isinstance(error, HTTPException):
        answer.headers.update({name: value for name, value in error.get_headers() if name == "Allow"})
    return answer


def _defect(error: Exception) -> dict[str, Any]:
    """Return where a defect is; not its message, which may quote a customer's data."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "event": "defect",
        "error": type(error).__name__,
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
    }


def _watch(app: Flask, clock: Clock, log: Log) -> None:
    @app.before_request
    def start() -> None:
        g.started = clock()

    @app.after_request
    def finish(response: Response) -> Response:
        rule = request.url_rule
        milliseconds = (clock() - g.started).total_seconds() * 1000
        log(
            {
                "event": "request",
                "method": request.method,
                "path": rule.rule if rule is not None else "unknown",
                "query": sorted(_KNOWN_NAMES & request.args.keys()),
                "status": response.status_code,
                "ms": round(milliseconds, 1),
            }
        )
        return response
