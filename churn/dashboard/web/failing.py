"""What went wrong in the words of the web: a status, and what to do; never a traceback, never an address."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from werkzeug.exceptions import HTTPException

from churn.errors import ChurnError, TransientError, UsageError, WarehouseError

_DETAILS = {
    400: ("The address asks for something that makes no sense.", "Go back to the page and choose there."),
    404: ("There is no such page.", "The menu lists the pages that there are."),
    405: ("Pages can only be looked at.", "Follow the links of the pages."),
    413: ("That is more than a form of ours sends.", "Log in with the form."),
    414: ("The address is too long.", "Search for fewer letters, or go back to the page and choose there."),
}
_FOR_STRANGERS = (
    "The warehouse does not answer as it should.",
    "Load the page again in a moment; the log of `churn serve` says what is wrong.",
)
_SECONDS_TO_WAIT = 5


@dataclass(frozen=True)
class Failure:
    """What a reader is told.

    Attributes
    ----------
    status : int
    title : str
    detail : str
        What happened, in a sentence.
    advice : str
        What to do, in a sentence.
    retry_after : int or None
        Seconds after which the same may succeed.
    """

    status: int
    title: str
    detail: str
    advice: str = ""
    retry_after: int | None = None


class RefusedError(ChurnError):
    """A request that is answered with a failure.

    Parameters
    ----------
    status : int
    detail : str
    advice : str
    retry_after : int, optional
    """

    def __init__(self, status: int, detail: str, advice: str = "", retry_after: int | None = None) -> None:
        super().__init__(detail, advice)
        self.status, self.retry_after = status, retry_after


def failure_of(error: Exception, *, among_us: bool) -> Failure:
    """Return what a reader is told of an error; of a defect nothing but that it is one.

    Parameters
    ----------
    error : Exception
    among_us : bool
        Nobody but this machine reads: what a database says, which may name hosts, logins and paths, helps then.
    """
    if isinstance(error, RefusedError):
        return Failure(error.status, _title(error.status), error.message, error.hint, error.retry_after)
    if isinstance(error, UsageError):
        return Failure(400, _title(400), error.message, error.hint)
    if isinstance(error, TransientError | WarehouseError):
        advice = "Load the page again in a moment." if isinstance(error, TransientError) else error.hint
        said = (error.message, advice) if among_us else _FOR_STRANGERS
        return Failure(503, "The figures can't be read now", *said, _SECONDS_TO_WAIT)
    if isinstance(error, HTTPException):
        status = error.code or 500
        detail, advice = _DETAILS.get(status, (_title(status) + ".", ""))
        return Failure(status, _title(status), detail, advice)
    return Failure(
        500, "A defect of churn", "The page could not be made.", "The log says what happened: please report it."
    )


def _title(status: int) -> str:
    return HTTPStatus(status).phrase.capitalize()
