"""The exploration of a source before any model: read through the mapping, counted in the source, shown as one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from churn.config import Settings
from churn.dashboard.blocks import Answer, Row
from churn.dashboard.formats import Formats
from churn.dashboard.inlining import inlined
from churn.dashboard.rendering import environment, render
from churn.extract.mapping import MappedEntity
from churn.extract.times import Clocks
from churn.profiling import advice
from churn.profiling.asking import Asker, asking, mapped_entities, parts_looked_at
from churn.profiling.blocks import COLUMNS, ENTITIES, GAPS, HISTOGRAMS, HOURS, TOP_VALUES, WEEKS, SourceBlock
from churn.profiling.definition import Tryout, tried_out
from churn.profiling.pictures import activity_chart, histogram, parted, weeks_chart
from churn.profiling.relations import TIME_COLUMNS, Relations
from churn.warehouse import Database

_ACTIVITY = ("payments", "usage_events")
_GROWS_DAILY = ("payments", "support_tickets", "usage_events")
_LIMITS = {"most_values": 8, "fewest_rows": 5, "buckets": 24, "most_weeks": 260, "most_gaps": 10}


@dataclass(frozen=True)
class EntityProfile:
    """All that is shown of one entity.

    Attributes
    ----------
    summary : Row
        Of the block `entities`.
    columns, tops, histograms, weeks : Answer
    gaps : Answer or None
        None for an entity that doesn't grow day by day.
    """

    summary: Row
    columns: Answer
    tops: Answer
    histograms: Answer
    weeks: Answer
    gaps: Answer | None

    @property
    def name(self) -> str:
        """Name of the entity."""
        return str(self.summary["entity"])

    def shown(self) -> dict[str, Any]:
        """Return what the template is given."""
        pictures = [
            (histogram(self.name, column, answer), answer)
            for column, answer in parted(self.histograms, "column_name").items()
        ]
        return {
            "name": self.name,
            **{key: self.summary[key] for key in ("rows", "first_date", "last_date")},
            "columns": self.columns,
            "tops": self.tops,
            "gaps": self.gaps,
            "weeks": self.weeks,
            "weeks_chart": weeks_chart(self.name, self.weeks) if self.weeks.rows else None,
            "histograms": pictures,
        }


@dataclass(frozen=True)
class Profile:
    """What a source holds.

    Attributes
    ----------
    as_of : date
        Nothing on or after it is looked at where silence is counted.
    overview : Answer
        A row for each entity.
    entities : tuple of EntityProfile
    one_in : dict of str to int
        Of a big entity, one customer in so many was looked at for its columns, and for days of use.
    activity : tuple of (str, Answer) or None
        When in the week things happen, and of which entity that is.
    tryout : Tryout
        The definition of churn, tried out.
    not_counted : tuple of str
        Entities that `as_of` should have gone by, which did not answer in time.
    """

    as_of: date
    overview: Answer
    entities: tuple[EntityProfile, ...]
    one_in: Mapping[str, int]
    activity: tuple[str, Answer] | None
    tryout: Tryout
    not_counted: tuple[str, ...] = ()


def profile(source: Database, settings: Settings, now: datetime, as_of: date | None, patience_seconds: int) -> Profile:
    """Look at a source through the mapping; needs no warehouse.

    Parameters
    ----------
    source : Database
    settings : Settings
    now : datetime
        The current time.
    as_of : date or None
        By default today, or the day after the last payment or use where that is earlier.
    patience_seconds : int
        Longest that one statement may take; what takes longer is left out.

    Raises
    ------
    DataContractError
        A mapping is missing, or the source refuses it.
    SourceError
        The source can't be reached.
    """
    clocks = Clocks.of(settings, now)
    with asking(source, patience_seconds) as asker:
        mapped = mapped_entities(asker.connection, settings)
        relations = Relations(mapped, clocks, parts_looked_at(asker.connection, mapped))
        looker = _Looker(asker, relations, {**_LIMITS, "latest_at": clocks.latest_at})
        summaries = [row for name in mapped for row in looker.rows(ENTITIES, name, name)]
        day = as_of or _as_of(summaries, clocks.learned_at.date())
        looker = _Looker(asker, relations, {**looker.params, "as_of": day})
        return Profile(
            day,
            asker.answer(ENTITIES, summaries),
            tuple(looker.entity(row) for row in summaries),
            relations.one_in,
            looker.activity(mapped),
            tried_out(asker, relations, settings, day),
            () if as_of else not_counted(summaries),
        )


def _as_of(summaries: Sequence[Row], today: date) -> date:
    """Return the day after the last thing that customers did, as far as today."""
    last = [row["last_date"] for row in summaries if row["entity"] in _ACTIVITY and row["last_date"]]
    return min([today, *[max(last) + timedelta(days=1)]]) if last else today


def not_counted(summaries: Sequence[Row]) -> tuple[str, ...]:
    """Return the entities that the day of a profile goes by, but which were not counted in time."""
    return tuple(row["entity"] for row in summaries if row["entity"] in _ACTIVITY and row["rows"] is None)


@dataclass(frozen=True)
class _Looker:
    """Looks at one entity after the other."""

    asker: Asker
    relations: Relations
    params: Mapping[str, Any]

    def entity(self, summary: Row) -> EntityProfile:
        name = str(summary["entity"])
        return EntityProfile(
            summary,
            columns=self.answer(COLUMNS, name),
            tops=self.answer(TOP_VALUES, name),
            histograms=self.answer(HISTOGRAMS, name),
            weeks=self.answer(WEEKS, name),
            gaps=self.answer(GAPS, name) if name in _GROWS_DAILY else None,
        )

    def activity(self, mapped: Mapping[str, MappedEntity]) -> tuple[str, Answer] | None:
        for name in ("usage_events", "payments"):
            if name in mapped and mapped[name].types[TIME_COLUMNS[name]] != "date":
                answer = self.answer(HOURS, name)
                if answer.rows:
                    return name, answer
        return None

    def answer(self, block: SourceBlock, name: str) -> Answer:
        rows = self.asker.rows(block, self.relations.of(name), self.params, files=_file(name))
        return self.asker.answer(block, None if rows is None else [{"entity": name, **row} for row in rows])

    def rows(self, block: SourceBlock, name: str, entity: str) -> list[Row]:
        found = self.asker.rows(block, self.relations.of(name), self.params, files=_file(name))
        nothing = {column.name: None for column in block.columns}
        return [{**nothing, **row, "entity": entity} for row in (found if found is not None else [{}])]


def _file(entity: str) -> str:
    return f"source/{entity}.sql or source/customers.sql"


def page_of(found: Profile, settings: Settings, now: datetime) -> str:
    """Return a profile as a page that stands alone.

    Parameters
    ----------
    found : Profile
    settings : Settings
    now : datetime
        When it was made.
    """
    formats = Formats(settings.business.currency, settings.business.timezone, settings.dashboard.locale)
    said = [
        *advice.on_entities(found.overview.rows, settings),
        *(one for part in found.entities for one in advice.on_columns(part.columns.rows)),
        *(one for part in found.entities if part.gaps for one in advice.on_gaps(part.name, part.gaps.rows)),
    ]
    activity = found.activity
    shown = {
        "within": inlined(),
        "title": "Profile of the source",
        "question": "What is in the data, can it be used, and what should count as churn?",
        "as_of": found.as_of,
        "made_at": now,
        "not_counted": found.not_counted,
        "definition": settings.churn.definition,
        "folder": settings.sql_dir.name,
        "overview": found.overview,
        "mapping": said,
        "entities": [{**part.shown(), "one_in": found.one_in.get(part.name, 1)} for part in found.entities],
        "activity": None if activity is None else {"chart": activity_chart(*activity), "answer": activity[1]},
        "tryout": found.tryout,
    }
    return render(environment(formats), "profile.html", shown)
