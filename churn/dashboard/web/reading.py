"""How a page is read and answered, for people and for the API alike."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from flask import Response, request

from churn.dashboard.pages import Page, Query
from churn.dashboard.reading import Seen, Source, read
from churn.dashboard.web.cache import Answers, Made
from churn.dashboard.web.failing import RefusedError
from churn.dashboard.web.places import Places
from churn.sqlfiles import read_sql


@dataclass(frozen=True)
class Desk:
    """Where readers are served.

    Attributes
    ----------
    source : Source
    answers : Answers
    places : Places
        At the warehouse.
    """

    source: Source
    answers: Answers
    places: Places

    def seen(self, page: Page, query: Query) -> Seen:
        """Read a page, all of one moment.

        Raises
        ------
        RefusedError
            404: there is no such thing, as the page says.
        ChurnError
            It can't be read so, or not now.
        """
        with self.source.moment() as connection:
            seen = read(connection, page.asks(query))
        said = page.missing(seen.answers, query)
        if said is not None:
            raise RefusedError(404, said)
        return seen

    def kept(self, make: Callable[[], Made]) -> Response:
        """Answer the request that is being served: as before, by `make`, or 304 where the reader has it already."""
        with self.places.taken():
            made = self.answers.get((request.script_root, request.path, request.query_string), make)
        return answered(made)


def answered(made: Made) -> Response:
    """Answer the request that is being served, or 304 where the reader has it already."""
    response = Response(made.body, mimetype=made.mimetype, headers=dict(made.headers))
    response.set_etag(made.etag, weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response


def edition_of(source: Source) -> Hashable:
    """Return what changes whenever a night is published or customers are forgotten."""
    with source.moment() as connection:
        return tuple(connection.execute(read_sql("dashboard/edition.sql").statement).one())
