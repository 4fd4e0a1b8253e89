"""Errors of the API as `application/problem+json` (RFC 9457): what is wrong, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response
from werkzeug.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
PREFIX = "/api"

# What a reader of the API is told in place of the web server's own words; the advice follows.
_SAID = {
    404: ("There is no such resource.", "GET /api/v1/ lists the resources that there are."),
    405: ("The API can only be read.", "Use GET or HEAD."),
}


@dataclass(frozen=True)
class Fault:
    """What is wrong with one parameter.

    Attributes
    ----------
    name : str
        The parameter; empty where several do not go together.
    detail : str
        What is wrong with it and what is allowed.
    """

    name: str
    detail: str


def below_api(path: str) -> bool:
    """Whether errors at an address are told as problems rather than as pages."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def problem(
    status: int,
    detail: str,
    advice: str = "",
    *,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an error as the API tells it.

    Parameters
    ----------
    status : int
        HTTP status, 400 or more.
    detail : str
        What happened, for the reader of this answer.
    advice : str
        What to do about it; left out where there is nothing to say.
    faults : sequence of Fault
        The parameters that are wrong, with 400.
    headers : mapping or None
        Such as `Allow` or `Retry-After`.
    """
    told: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if advice:
        told["advice"] = advice
    if faults:
        told["parameters"] = [{"name": fault.name, "detail": fault.detail} for fault in faults]
    response = Response(json.dumps(told, ensure_ascii=False), status, content_type=MEDIA_TYPE)
    response.headers.update(headers or {})
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def http_problem(error: HTTPException) -> Response:
    """Return an error of routing, or one raised by `abort`, as the API tells it."""
    status = error.code or 500
    detail, advice = _SAID.get(status, (error.description or HTTPStatus(status).phrase, ""))
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After", "WWW-Authenticate")}
    return problem(status, detail, advice, headers=kept)
