"""The report of a night: written where it is asked for, kept and mailed after each night; told in the ledger."""

from __future__ import annotations

import gzip
import re
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path

from churn.alerts.channels import MAIL, ChannelError, channels_of
from churn.alerts.messages import Attachment, Message
from churn.alerts.redaction import redacted_text
from churn.config import Settings
from churn.connections import open_warehouse
from churn.dashboard.report import Report, make_report
from churn.dashboard.source import Reader
from churn.errors import ChurnError, UsageError
from churn.export.files import sha256_of
from churn.night_rows import Delivery, Selection, reading, record
from churn.reporting.files import written

_NAME = re.compile(r"report_\d{4}-\d{2}-\d{2}\.html")


def write_report(settings: Settings, as_of: date | None, output: Path | None, *, at: datetime) -> Path | None:
    """Write the report of a published night, and tell the ledger of exports; return the file, None for stdout.

    Parameters
    ----------
    settings : Settings
    as_of : date or None
        None is the latest published night.
    output : Path or None
        None is `report_DATE.html` here.
    at : datetime
        The current time.

    Raises
    ------
    UsageError
        Nothing is published for that night, or the file can't be written.
    """
    made = _made(settings, as_of, at)
    path = written(made.html, output or Path(f"report_{made.as_of}.html"))
    if path is not None:
        _record(settings, made, path, at)
    return path


def nightly_report(settings: Settings, as_of: date, clock: Callable[[], datetime]) -> list[str]:
    """Write and mail the report of a night that was just published, as `[report]` asks; return what is to be said.

    Whatever goes wrong is said, and changes nothing about the night.

    Parameters
    ----------
    settings : Settings
    as_of : date
    clock : callable
        Gives the current UTC time.
    """
    section = settings.report
    if section.folder is None and not section.mail:
        return []
    return _safely(settings, as_of, lambda: _sent(settings, as_of, clock()))


def _sent(settings: Settings, as_of: date, at: datetime) -> list[str]:
    """Make the report, keep it and mail it: neither of these two stops the other."""
    made = _made(settings, as_of, at)
    return [
        *_safely(settings, as_of, lambda: _kept(settings, made, at)),
        *_safely(settings, as_of, lambda: _mailed(settings, made, at)),
    ]


def _safely(settings: Settings, as_of: date, step: Callable[[], list[str]]) -> list[str]:
    try:
        return step()
    except ChurnError as error:
        return [_failed(settings, as_of, str(error))]
    except Exception as error:  # noqa: BLE001 - the night is out; what becomes of its report changes nothing about it
        where = traceback.extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__} in {Path(where.filename).name}: a defect of churn; report it."
        return [_failed(settings, as_of, told)]


def _made(settings: Settings, as_of: date | None, at: datetime) -> Report:
    reader = Reader(settings, "report")
    try:
        return make_report(reader, settings, as_of, at=at)
    finally:
        reader.close()


def _record(settings: Settings, made: Report, path: Path, at: datetime) -> None:
    """Tell the ledger, so that `churn forget` finds the file: it names customers of the night's list.

    A file that the ledger can't tell of does not stay.
    """
    target = path.resolve()
    with ExitStack() as undoing:
        undoing.callback(target.unlink, missing_ok=True)
        warehouse = open_warehouse(settings, job="report")
        with reading(warehouse, Selection("at-risk", holdout=True), made.as_of) as night:
            record(warehouse, night, Delivery("html", str(target), made.customers, sha256_of(target)), at)
        undoing.pop_all()


def _failed(settings: Settings, as_of: date, why: str) -> str:
    said = redacted_text(why, settings)
    return f"The report of {as_of} was not made: {said} The night is published all the same; try `churn report`."


# ---------------------------------------------------------------- the folder


def _kept(settings: Settings, made: Report, at: datetime) -> list[str]:
    if settings.report.folder is None:
        return []
    folder = settings.base_dir / settings.report.folder
    path = folder / f"report_{made.as_of}.html"
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        written(made.html, path)
    except (OSError, UsageError) as error:
        return [_failed(settings, made.as_of, f"{folder}: {error}.")]
    _record(settings, made, path, at)
    try:
        deleted = _tidied(folder, settings.report.keep, path)
    except OSError as error:
        return [f"The report is in {path}. Older ones could not be deleted: {error}."]
    older = f" {deleted} older ones were deleted." if deleted else ""
    return [f"The report is in {path}.{older}"]


def _tidied(folder: Path, keep: int, new: Path) -> int:
    """Delete the reports of the oldest nights but the new one, and nothing else; return how many."""
    reports = sorted(file for file in folder.iterdir() if _NAME.fullmatch(file.name))
    surplus = [file for file in reports[:-keep] if file.name != new.name]
    for file in surplus:
        file.unlink(missing_ok=True)
    return len(surplus)


# ---------------------------------------------------------------- the mail


def _mailed(settings: Settings, made: Report, at: datetime) -> list[str]:
    if not settings.report.mail:
        return []
    mail = next((channel for channel in channels_of(settings) if channel.name == MAIL), None)
    if mail is None:
        return ["report.mail is on, but alerts.smtp_host is not set: the report was not mailed."]
    packed = gzip.compress(made.html.encode(), mtime=0)
    attachment = Attachment(f"report_{made.as_of}.html.gz", "application/gzip", packed)
    text = (
        f"The report of the night of {made.as_of} is attached: unpack it, and it opens in any browser, without a "
        "network. "
        "It names customers: keep it as you keep their data."
    )
    items = (("The night is published.", text),)
    message = Message(f"churn: the night of {made.as_of}", items, attachments=(attachment,))
    try:
        mail.send(message, at=at.timestamp())
    except ChannelError as error:
        return [f"The report of {made.as_of} was not mailed: {error}."]
    return [f"The report was mailed to {', '.join(settings.alerts.mail_to)}."]
