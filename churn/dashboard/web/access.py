"""Who may look: this machine alone, whoever shows the token, or whoever a reverse proxy has let in."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from urllib.parse import urlsplit

from flask import Request, Response

from churn.config import Settings
from churn.config.addresses import is_this_machine
from churn.config.dashboard import LONGEST_TOKEN
from churn.dashboard.web.failing import RefusedError
from churn.dashboard.web.limits import Limits
from churn.dashboard.web.proxies import BY_PROXY, CLIENT
from churn.errors import ConfigError
from churn.ledger import Clock

COOKIE = "churn_reader"
STAYS = timedelta(hours=12)
_ADVICE = "Log in, or send the token as `Authorization: Bearer …`."


def refuse_open_door(settings: Settings) -> None:
    """Make sure that not everybody who can reach the address can read.

    Raises
    ------
    ConfigError
        The address is not this machine's own, and neither a token nor a proxy's header is asked for.
    """
    dashboard = settings.dashboard
    if not dashboard.is_for_this_machine and dashboard.token is None and dashboard.user_header is None:
        raise ConfigError(
            f"Anybody who reaches {dashboard.address} could read every customer's figures.",
            "Set dashboard.token (`openssl rand -hex 24` makes one), or dashboard.user_header behind a reverse proxy; "
            "or leave dashboard.address at 127.0.0.1.",
        )


class Door:
    """Lets readers in.

    Parameters
    ----------
    settings : Settings
    limits : Limits
    clock : callable
    """

    def __init__(self, settings: Settings, limits: Limits, clock: Clock) -> None:
        dashboard = settings.dashboard
        self._token = dashboard.token.get_secret_value().encode() if dashboard.token is not None else None
        self._user_header = dashboard.user_header
        self._hosts = {"localhost", dashboard.address.lower(), *dashboard.hosts}
        self._checks_hosts = dashboard.is_for_this_machine or bool(dashboard.hosts)
        self._limits, self._clock = limits, clock

    @property
    def asks_for_token(self) -> bool:
        """Whether there is a token to log in with."""
        return self._token is not None

    def refuse_strange_host(self, request: Request) -> None:
        """Refuse a request for another name than ours: a site that has its name point here could read along.

        Raises
        ------
        RefusedError
            400.
        """
        if not self._checks_hosts:
            return
        host = _host(request.headers.get("Host", ""))
        if host not in self._hosts and not is_this_machine(host):
            raise RefusedError(
                400, "That is not the name of this dashboard.", "Put the name that you use into dashboard.hosts."
            )

    def refuse_strangers(self, request: Request) -> None:
        """Let in whom the settings let in.

        Raises
        ------
        RefusedError
            401: the reader has shown nothing, or something wrong; 429: too often.
        """
        if self._user_header is not None and self._named_by_proxy(request):
            return
        if self._token is not None:
            self._refuse_without_token(request)
        elif self._user_header is not None:
            raise RefusedError(401, "The reverse proxy has not said who you are.", "Come by its address, and log in.")

    def _named_by_proxy(self, request: Request) -> bool:
        name = request.headers.get(self._user_header or "", "").strip()
        return bool(request.environ[BY_PROXY] and name)

    def _refuse_without_token(self, request: Request) -> None:
        if self.has_session(request):
            return
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not shown:
            raise RefusedError(401, "These pages are for those who have the token.", _ADVICE)
        self.refuse_wrong_token(request, shown.strip())

    def refuse_wrong_token(self, request: Request, shown: str) -> None:
        """Compare what a reader shows with the token, in a time that tells nothing of how much of it is right.

        Raises
        ------
        RefusedError
            401, or 429 after too many. The right one is taken also then: behind one address may be many readers.
        """
        if self._token is None or not hmac.compare_digest(shown[: LONGEST_TOKEN + 1].encode(), self._token):
            self._limits.count_wrong_token(request.environ[CLIENT])
            raise RefusedError(401, "That is not the token.", _ADVICE)

    # ------------------------------------------------------------ the session of a browser

    def has_session(self, request: Request) -> bool:
        """Whether the cookie is one that we gave, and has not run out."""
        until, _, seal = request.cookies.get(COOKIE, "").partition(".")
        if not (until.isascii() and until.isdecimal() and len(until) <= 12):
            return False
        is_ours = hmac.compare_digest(seal.encode(), self._seal(until).encode())
        return is_ours and self._clock().timestamp() < int(until)

    def give_session(self, request: Request, response: Response) -> None:
        """Let the browser show for some hours that its reader knew the token."""
        until = str(int((self._clock() + STAYS).timestamp()))
        _set_cookie(request, response, f"{until}.{self._seal(until)}", STAYS)

    def end_session(self, request: Request, response: Response) -> None:
        """Let the browser forget it."""
        _set_cookie(request, response, "", timedelta())

    def _seal(self, until: str) -> str:
        key = hashlib.sha256(b"the session of a reader: " + (self._token or b"")).digest()
        return hmac.new(key, until.encode(), hashlib.sha256).hexdigest()


def refuse_foreign_form(request: Request) -> None:
    """Take a form only from our own page.

    Raises
    ------
    RefusedError
        403: another site sent it.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        is_ours = site in ("same-origin", "none")
    else:
        is_ours = origin is None or urlsplit(origin).netloc == request.headers.get("Host")
    if not is_ours:
        raise RefusedError(403, "Another site sent this form.", "Log in on our own page.")


def _set_cookie(request: Request, response: Response, value: str, stays: timedelta) -> None:
    response.set_cookie(
        COOKIE,
        value,
        max_age=stays,
        path=request.script_root or "/",
        secure=request.scheme == "https",
        httponly=True,
        samesite="Lax",  # a link in a mail leads to the page; forms are checked
    )


def _host(header: str) -> str:
    """Return the name in a `Host` header, without the port."""
    text = header.lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]
