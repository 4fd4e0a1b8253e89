"""Blocks whole, as CSV: read and sent a part at a time, and harmless to a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from flask import Response

from churn.dashboard.blocks import Ask
from churn.dashboard.reading import Source, ordered
from churn.dashboard.web.failing import RefusedError
from churn.dashboard.web.places import Places
from churn.errors import ChurnError
from churn.spreadsheets import harmless

ROWS_AT_A_TIME = 2_000
_SECONDS_TO_WAIT = 10


class Downloads:
    """Sends blocks; only some at a time, so that pages are always answered.

    Parameters
    ----------
    source : Source
    most : int
        Downloads at the same time.
    at_warehouse : Places
    log : callable
        Hears of a download that is cut off.
    """

    def __init__(self, source: Source, most: int, at_warehouse: Places, log: Callable[[dict[str, Any]], None]) -> None:
        self._source, self._at_warehouse, self._log = source, at_warehouse, log
        self._places = threading.BoundedSemaphore(most)

    def answer(self, ask: Ask) -> Response:
        """Send a block.

        Raises
        ------
        RefusedError
            503: too many are being sent.
        TransientError
            The warehouse does not answer.
        """
        if not self._places.acquire(blocking=False):
            raise RefusedError(
                503, "Other downloads are under way.", "Try again when they are done.", retry_after=_SECONDS_TO_WAIT
            )
        try:
            self._at_warehouse.take()
        except ChurnError:
            self._places.release()
            raise
        lines = self._held(csv_lines(self._source, ask))
        try:
            head = next(lines)  # what can't be read fails here, where it can still be said
        except BaseException:
            lines.close()
            raise
        response = Response(self._joined(ask.block.name, head, lines), mimetype="text/csv")
        response.headers["Content-Disposition"] = f'attachment; filename="{ask.block.name}.csv"'
        response.call_on_close(lines.close)
        return response

    def _held(self, lines: Iterator[bytes]) -> Any:
        """Give the place back when all is sent, or the reader has gone."""
        try:
            yield from lines
        finally:
            self._at_warehouse.leave()
            self._places.release()

    def _joined(self, block: str, head: bytes, lines: Iterator[bytes]) -> Iterator[bytes]:
        """Send all; what fails on the way breaks the connection off, for nothing else can be said any more."""
        yield head
        try:
            yield from lines
        except GeneratorExit:
            raise
        except BaseException as error:
            said = str(error) if isinstance(error, ChurnError) else type(error).__name__
            self._log({"event": "download cut off", "block": block, "error": said})
            raise


def csv_lines(source: Source, ask: Ask) -> Iterator[bytes]:
    """Give a block as CSV, its head together with its first rows."""
    names = [column.name for column in ask.block.columns]
    with source.moment() as connection:
        streamed = connection.execution_options(yield_per=ROWS_AT_A_TIME)
        rows = streamed.execute(sa.text(ordered(ask)), dict(ask.parameters)).mappings()
        waiting: list[list[Any]] = [names]
        for part in rows.partitions(ROWS_AT_A_TIME):
            yield _written([*waiting, *([_cell(row[name]) for name in names] for row in part)])
            waiting = []
        if waiting:
            yield _written(waiting)


def _written(rows: list[list[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)  # so that either of them in a text is quoted
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict | list):
        return harmless(json.dumps(value, ensure_ascii=False, default=str))
    return harmless(value) if isinstance(value, str) else value
