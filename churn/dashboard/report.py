"""The night as one page that stands alone: chosen blocks and charts of the pages, read at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy.engine import Connection

from churn.config import Settings
from churn.dashboard.blocks import Ask
from churn.dashboard.formats import Formats
from churn.dashboard.inlining import inlined
from churn.dashboard.pages import PAGES
from churn.dashboard.reading import Night, Source, State, read, read_state
from churn.dashboard.rendering import environment, render
from churn.dashboard.report_chapters import CHAPTERS, CUSTOMERS, Chapter, Shown, shown
from churn.dashboard.report_history import older_chapters
from churn.errors import UsageError
from churn.sqlfiles import read_sql


@dataclass(frozen=True)
class Report:
    """A night as a page.

    Attributes
    ----------
    as_of : date
    html : str
    customers : int
        Customers of the list that it names.
    """

    as_of: date
    html: str
    customers: int


def make_report(source: Source, settings: Settings, as_of: date | None, *, at: datetime) -> Report:
    """Make the report of a published night.

    Parameters
    ----------
    source : Source
    settings : Settings
    as_of : date or None
        None is the latest published night. Of an older one there is what the warehouse keeps night by night.
    at : datetime
        The current time.

    Raises
    ------
    UsageError
        Nothing is published for that night.
    """
    with source.moment() as connection:
        state = read_state(connection)
        night = _night(connection, state, as_of)
        is_latest = state.night is not None and night.as_of_date == state.night.as_of_date
        if is_latest:
            chapters = [_shown(connection, chapter, night, settings) for chapter in CHAPTERS]
        else:
            chapters = older_chapters(connection, night, settings)
    return Report(night.as_of_date, _written(chapters, state, night, is_latest, settings, at), _named(chapters))


def _night(connection: Connection, state: State, as_of: date | None) -> Night:
    latest = state.night
    if latest is None:
        raise UsageError("No night is published yet.", "Run `churn nightly` first.")
    if as_of is None or as_of == latest.as_of_date:
        return latest
    found = connection.execute(read_sql("dashboard/report_night.sql").statement, {"as_of": as_of}).one()
    if found.run_id is None:
        raise UsageError(
            f"Nothing is published for {as_of}: there are {found.nights:,} published nights, from "
            f"{found.first_date} to {latest.as_of_date}.",
            f"Run `churn nightly --as-of {as_of}` first, or leave --as-of out for the latest.",
        )
    return Night(as_of, found.run_id, found.finished_at, found.model_version)


# ---------------------------------------------------------------- chapters


def _shown(connection: Connection, chapter: Chapter, night: Night, settings: Settings) -> Shown:
    page = next(page for page in PAGES if page.name == chapter.page)
    query = page.query.model_validate({"run": night.run_id} if "run" in page.query.model_fields else {})
    asks = [_as_long_as(ask, settings.report.customers) for ask in page.asks(query)]
    return shown(chapter, page, read(connection, asks), query)


def _as_long_as(ask: Ask, customers: int) -> Ask:
    if ask.block.name != CUSTOMERS or ask.paging is None:
        return ask
    return replace(ask, paging=replace(ask.paging, size=customers))


def _named(chapters: Sequence[Shown]) -> int:
    return sum(len(table.rows) for shown in chapters for table in shown.tables if table.block.name == CUSTOMERS)


# ---------------------------------------------------------------- the page


def _written(
    chapters: Sequence[Shown], state: State, night: Night, is_latest: bool, settings: Settings, at: datetime
) -> str:
    formats = Formats(settings.business.currency, settings.business.timezone, settings.dashboard.locale)
    context = {
        "within": inlined(with_charts=any(shown.drawn for shown in chapters)),
        "title": f"The night of {formats.day(night.as_of_date)}",
        "question": "How many customers are leaving, what does it cost, and what should be done?",
        "state": state,
        "night": night,
        "is_latest": is_latest,
        "chapters": chapters,
        "facts": {shown.chapter.name: shown.facts for shown in chapters},
        "made_at": at,
        "folder": settings.report.folder,
    }
    return render(environment(formats), "report.html", context)
