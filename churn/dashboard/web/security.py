"""What browsers are told about our answers: run nothing but our own files, and show them in no other site's page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from churn.dashboard.inlining import PLOTLY_STYLES

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' {' '.join(PLOTLY_STYLES)}",
        # Plotly writes its drawings with style attributes; they load nothing and run nothing.
        "style-src-attr 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # "no-referrer" would have browsers say of our own forms too that they come from nowhere.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TLS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}


def with_headers(application: WSGIApplication) -> WSGIApplication:
    """Put the headers on every answer, whoever made it; over TLS, also that nobody comes without it again."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Callable[[bytes], object]:
            added = HEADERS | _TLS_ONLY if environ["wsgi.url_scheme"] == "https" else HEADERS
            given = {name.lower() for name, _ in headers}
            headers += [(name, value) for name, value in added.items() if name.lower() not in given]
            if "cache-control" not in given:
                headers.append(("Cache-Control", "no-store"))
            return start_response(status, headers, *more)

        return application(environ, start)

    return answer
