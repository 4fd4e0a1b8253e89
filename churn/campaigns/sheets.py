"""A sheet of what was sent, as marketing tools and spreadsheets write it: CSV to checked rows, in bounded memory."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from churn.config import HOLD_OUT
from churn.errors import DataContractError
from churn.spreadsheets import as_meant

COLUMNS = (
    "line",
    "customer_id",
    "sent_date",
    "offer",
    "channel",
    "cost",
    "campaign_group",
    "entered_date",
    "is_left_alone",
    "campaign",
    "reason",
)
"""Of the rows that are handed on."""

_NAMES = {
    "customer_id": ("customer_id",),
    "sent": ("sent_date", "sent_at"),
    "offer": ("offer",),
    "action": ("recommended_action",),
    "channel": ("channel",),
    "cost": ("cost",),
    "group": ("campaign_group",),
    "entered": ("assigned_date", "as_of_date"),
    "campaign": ("campaign",),
}
_DELIMITERS = (",", ";", "\t")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)? ?(?:Z|[+-]\d\d(?::?\d\d)?)?)?")
_COST = re.compile(r"\d{1,12}(\.\d{1,6})?")
_RESERVED = ("all", "none")
_LONGEST_LINE = 1 << 20
_LONGEST_TEXT = 200
_BATCH_ROWS = 2_000
_MEND = "Save it as a CSV file in UTF-8, with a line of column names; see docs/campaigns.md."


Record = tuple[int, list[str]]
"""Number of the line that it ends on, and its cells."""


@dataclass
class Sheet:
    """A CSV file whose header has been read.

    Attributes
    ----------
    source : str
        What messages call it.
    zone : str
        Business zone: the day of a time with an offset is that of this zone.
    columns : dict of str to int
        Which meaning stands in which column.
    rows_read : int
        So far, without the header and blank lines.
    """

    source: str
    zone: str
    columns: Mapping[str, int]
    _records: Iterator[Record]
    _width: int
    _digest: Callable[[], str]
    rows_read: int = 0
    _failure: DataContractError | None = None

    def batches(self) -> Iterator[bytes]:
        """Yield the rows as CSV of `COLUMNS` for COPY, a few thousand at a time; each with why it is refused, if so.

        An error ends the stream and is kept for `require_whole`: a driver that is copying would hide it.
        """
        out = io.StringIO()
        writer = csv.writer(out)
        try:
            for line, record in self._records:
                self.rows_read += 1
                writer.writerow(_row(line, record, self.columns, self._width, self.zone))
                if self.rows_read % _BATCH_ROWS == 0:
                    yield out.getvalue().encode()
                    out.seek(0)
                    out.truncate()
        except DataContractError as error:
            self._failure = error
        yield out.getvalue().encode()

    def require_whole(self) -> None:
        """Raise what ended the stream before its end, if anything did."""
        if self._failure is not None:
            raise self._failure

    @property
    def sha256(self) -> str:
        """SHA-256 of what has been read."""
        return self._digest()


def open_sheet(chunks: Iterable[bytes], source: str, zone: str) -> Sheet:
    """Read the header of a CSV file.

    Comma, semicolon and tab may part the columns; a byte order mark, quotes and any kind of line end are fine.

    Parameters
    ----------
    chunks : iterable of bytes
        The file in pieces of any size.
    source : str
        What messages call it.
    zone : str
        Business zone.

    Raises
    ------
    DataContractError
        It isn't UTF-8 or no CSV, has no column `customer_id`, or has a column twice.
    """
    digest = hashlib.sha256()
    lines = _lines(chunks, source, digest.update)
    first = next(lines, "")
    records = _records(itertools.chain([first], lines), max(_DELIMITERS, key=first.count), source)
    _, names = next(records, (1, []))
    header = [name.strip().casefold() for name in names]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise DataContractError(f"{source} has the column {twice[0]} twice.", "Leave one of them out.")
    if "customer_id" not in header:
        named = ", ".join(filter(None, header)) or "none"
        raise DataContractError(f"{source} has no column customer_id; its columns are {named[:200]}.", _MEND)
    columns = {
        meaning: next(header.index(name) for name in known if name in header)
        for meaning, known in _NAMES.items()
        if any(name in header for name in known)
    }
    return Sheet(source, zone, columns, records, len(header), digest.hexdigest)


def _lines(chunks: Iterable[bytes], source: str, seen: Callable[[bytes], object]) -> Iterator[str]:
    """Yield decoded lines with their ends (LF, CR LF or CR), holding one chunk and one line."""
    number, rest = 0, b""
    for chunk in chunks:
        seen(chunk)
        whole = (rest + chunk).splitlines(keepends=True)
        # What ends with CR may go on with LF.
        rest = b"" if not whole or whole[-1].endswith(b"\n") else whole.pop()
        for line in whole:
            number += 1
            yield _decoded(line, number, source)
        if len(rest) > _LONGEST_LINE:
            raise DataContractError(f"{source}: line {number + 1} is longer than a line of a CSV file can be.", _MEND)
    if rest:
        yield _decoded(rest, number + 1, source)


def _decoded(line: bytes, number: int, source: str) -> str:
    if number == 1:
        line = line.removeprefix(codecs.BOM_UTF8)
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise DataContractError(f"{source}: line {number} is not UTF-8 (Latin-1, perhaps).", _MEND) from None


def _records(lines: Iterable[str], delimiter: str, source: str) -> Iterator[Record]:
    """Yield the records, the header first; blank lines are none."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                yield reader.line_num, record
    except csv.Error as error:
        raise DataContractError(f"{source}: line {reader.line_num} is no CSV: {error}.", _MEND) from None


# --- one row ------------------------------------------------------------------------------------------------------


def _row(line: int, record: list[str], columns: Mapping[str, int], width: int, zone: str) -> list[object]:
    """Return `COLUMNS` of a record; trailing empty cells may be missing or too many."""
    if any(cell.strip() for cell in record[width:]):
        return _refused(line, None, "more cells than the header has columns")
    padded = [*record, *[""] * (width - len(record))]
    cells = {meaning: as_meant(padded[place]) for meaning, place in columns.items()}
    reason = _reason(cells, zone)
    if reason:
        return _refused(line, _printable(cells["customer_id"]), reason)
    offer, group = cells.get("offer", ""), cells.get("group", "").casefold()
    sent = _day(cells.get("sent", ""), zone)
    is_left_alone = sent is None and HOLD_OUT in (offer, cells.get("action"))
    if not offer and cells.get("action") != HOLD_OUT:
        offer = cells.get("action", "")
    cost = cells.get("cost")
    return [
        line,
        cells["customer_id"],
        sent,
        None if offer == HOLD_OUT else offer or None,
        cells.get("channel") or None,
        Decimal(cost) if cost else None,
        group or None,
        _day(cells.get("entered", ""), zone),
        is_left_alone,
        _printable(cells.get("campaign", "")),
        None,
    ]


def _refused(line: int, customer_id: str | None, reason: str) -> list[object]:
    return [line, customer_id, None, None, None, None, None, None, False, None, reason]


def _reason(cells: Mapping[str, str], zone: str) -> str | None:
    """Say why a row can't be read; None where it can."""
    problems = {
        "no customer_id": not cells["customer_id"],
        "customer_id too long": len(cells["customer_id"]) > _LONGEST_TEXT,
        "unreadable characters": any("\0" in cell for cell in cells.values()),
        "sent_date is no date such as 2026-11-22": not _is_day(cells.get("sent", ""), zone),
        "assigned_date or as_of_date is no date such as 2026-11-22": not _is_day(cells.get("entered", ""), zone),
        "cost is no amount such as 6.50": bool(cells.get("cost")) and not _COST.fullmatch(cells["cost"]),
        "campaign_group is neither treatment nor holdout": cells.get("group", "").casefold()
        not in ("", "treatment", "holdout"),
        "offer can't be called that": not all(_may_be_called(cells.get(name, "")) for name in ("offer", "action")),
        "channel too long": len(cells.get("channel", "")) > _LONGEST_TEXT,
    }
    return next((reason for reason, is_so in problems.items() if is_so), None)


def _may_be_called(offer: str) -> bool:
    return len(offer) <= _LONGEST_TEXT and offer.casefold() not in _RESERVED and (not offer or offer.isprintable())


def _is_day(text: str, zone: str) -> bool:
    try:
        return not text or _day(text, zone) is not None
    except (ValueError, OverflowError):
        return False


def _day(text: str, zone: str) -> date | None:
    """Return the business day of a date or a time; a time without an offset is the business's own."""
    found = _MOMENT.fullmatch(text)
    if not found:
        if text:
            raise ValueError(text)
        return None
    if text == found[1]:
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text.replace(" +", "+").replace(" Z", "Z"))
    return (moment.astimezone(ZoneInfo(zone)) if moment.tzinfo else moment).date()


def _printable(text: str) -> str | None:
    return text.replace("\0", "")[:_LONGEST_TEXT] or None
