"""The addresses of the pages, of their blocks as CSV, and of the login."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, redirect, request
from werkzeug.datastructures import MultiDict

from churn.dashboard.pages import PAGES, Page
from churn.dashboard.web.access import Door, refuse_foreign_form
from churn.dashboard.web.asking import asked
from churn.dashboard.web.cache import Made
from churn.dashboard.web.downloads import Downloads
from churn.dashboard.web.failing import RefusedError
from churn.dashboard.web.reading import Desk
from churn.dashboard.web.site import HOME, Site

_LONGEST_WAY_BACK = 2_000


@dataclass(frozen=True)
class Pages:
    """What people look at.

    Attributes
    ----------
    desk : Desk
    site : Site
    door : Door
    downloads : Downloads
    """

    desk: Desk
    site: Site
    door: Door
    downloads: Downloads

    def blueprint(self) -> Blueprint:
        """Return the addresses with what answers them."""
        made = Blueprint("pages", __name__)
        for page in PAGES:
            answer = self._answer(page)
            made.add_url_rule(f"/{page.name}", page.name, answer)
            if page.name == HOME:
                made.add_url_rule("/", "home", answer)
        made.add_url_rule("/download/<page>/<block>.csv", "download", self.download)
        made.add_url_rule("/healthz", "healthz", healthy)
        made.add_url_rule("/login", "login", self.login)
        made.add_url_rule("/login", "let_in", self.let_in, methods=["POST"])
        made.add_url_rule("/logout", "let_go", self.let_go, methods=["POST"])
        return made

    def _answer(self, page: Page) -> Callable[[], Response]:
        def answer() -> Response:
            query = asked(page.query, filled(request.args))
            return self.desk.kept(
                lambda: Made(self.site.page(page, query, self.desk.seen(page, query)).encode(), "text/html")
            )

        return answer

    def download(self, page: str, block: str) -> Response:
        """Send a block whole, as CSV."""
        found = next((one for one in PAGES if one.name == page), None)
        if found is None:
            raise RefusedError(404, "There is no such page.", "The menu lists the pages that there are.")
        asks = found.asks(asked(found.query, filled(request.args)))
        ask = next((one for one in asks if one.block.name == block), None)
        if ask is None:
            names = ", ".join(one.block.name for one in asks)
            raise RefusedError(404, "This page has no such block.", f"It has {names}.")
        return self.downloads.answer(ask)

    # ------------------------------------------------------------ logging in

    def login(self) -> Response:
        """Show the form, or that the reader is in."""
        return Response(self.site.plain("login.html", "Log in", **self._form(way_back(request.args.get("next", "")))))

    def let_in(self) -> Response:
        """Take the token from the form, and go on to where the reader wanted to go."""
        refuse_foreign_form(request)
        go_on = way_back(request.form.get("next", ""))
        try:
            self.door.refuse_wrong_token(request, request.form.get("token", "").strip())
        except RefusedError as refusal:
            form = self._form(go_on, said=f"{refusal.message} {refusal.hint if refusal.retry_after else ''}".strip())
            response = Response(self.site.plain("login.html", "Log in", **form), refusal.status)
            if refusal.retry_after is not None:
                response.headers["Retry-After"] = str(refusal.retry_after)
            return response
        answer = redirected(go_on)
        self.door.give_session(request, answer)
        return answer

    def let_go(self) -> Response:
        """End the session."""
        refuse_foreign_form(request)
        answer = redirected("/login")
        self.door.end_session(request, answer)
        return answer

    def _form(self, go_on: str, said: str = "") -> dict[str, object]:
        return {
            "go_on": go_on,
            "said": said,
            "is_in": self.door.has_session(request),
            "action": f"{request.script_root}/login",
            "leave": f"{request.script_root}/logout",
        }


def filled(given: MultiDict[str, str]) -> MultiDict[str, str]:
    """Return what was asked without what a form sends for a field that was left empty."""
    return MultiDict((name, value) for name, value in given.items(multi=True) if value)


def healthy() -> Response:
    """Say that the program answers; nothing of what it could show."""
    return Response('{"healthy": true}', mimetype="application/json", headers={"Cache-Control": "no-store"})


def redirected(path: str) -> Response:
    """Lead on to one of our own pages."""
    response = redirect(f"{request.script_root}{path}", 303)
    response.autocorrect_location_header = False
    return Response(status=303, headers={"Location": response.headers["Location"], "Cache-Control": "no-store"})


def way_back(path: str) -> str:
    """Return where to go after the login: a page of ours, never another site."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if is_ours and len(path) <= _LONGEST_WAY_BACK and not path.startswith(("/login", "/logout")) else "/"
