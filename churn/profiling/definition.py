"""The definition of churn, tried out on the source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from churn.config import Settings
from churn.dashboard.blocks import Answer, Row
from churn.dashboard.charts import Chart
from churn.profiling.advice import Advice, on_contract, on_inactivity
from churn.profiling.asking import Asker
from churn.profiling.blocks import (
    CONTRACT_SETTINGS,
    PURCHASE_CURVE,
    PURCHASE_SETTINGS,
    RESUMED_CURVE,
    USE_CURVE,
    USE_SETTINGS,
    SourceBlock,
)
from churn.profiling.pictures import curve_chart, settings_chart
from churn.profiling.relations import Relations
from churn.profiling.tryout import at, knee_of

_T = TypeVar("_T")
_LIMITS = {"most_days": 730, "fewest_spells": 30}
_OF_DAYS = "profile/spells_of_days.sql"
_OF_COVERAGE = "profile/spells_of_coverage.sql"


@dataclass(frozen=True)
class Part:
    """One way to look at silence.

    Attributes
    ----------
    charts : tuple of Chart
    answers : dict of str to Answer
        By name of the block.
    tables : tuple of str
        Blocks that are shown as tables.
    note : str
        Which part of the customers it is of, where it isn't all.
    """

    charts: tuple[Chart, ...]
    answers: dict[str, Answer]
    tables: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Tryout:
    """What was tried.

    Attributes
    ----------
    advice : tuple of Advice
    parts : tuple of Part
    """

    advice: tuple[Advice, ...]
    parts: tuple[Part, ...]


def tried_out(asker: Asker, relations: Relations, settings: Settings, as_of: date) -> Tryout:
    """Try out what could count as churn, by what is mapped.

    Parameters
    ----------
    asker : Asker
    relations : Relations
    settings : Settings
    as_of : date
        Nothing on or after it is looked at.
    """
    said: list[tuple[bool, Advice]] = []
    parts: list[tuple[bool, Part]] = []
    is_contractual = settings.churn.definition == "contractual"
    if "subscriptions" in relations.entities:
        advice, part = _contract(asker, relations, settings, as_of)
        said.append((is_contractual, advice))
        parts.append((is_contractual, part))
    if "payments" in relations.entities:
        curve, part = _silence(asker, relations.purchases(), as_of, (PURCHASE_CURVE, PURCHASE_SETTINGS))
        parts.append((not is_contractual, _noted(part, relations.one_in.get("payments", 1))))
        if not is_contractual:
            said.append((True, on_inactivity(curve, None if curve is None else knee_of(curve), settings)))
    if "usage_events" in relations.entities:
        _, part = _silence(asker, relations.use(), as_of, (USE_CURVE, USE_SETTINGS))
        parts.append((False, _noted(part, relations.one_in.get("usage_events", 1))))
    return Tryout(tuple(_first(said)), tuple(_first(parts)))


def _first(found: list[tuple[bool, _T]]) -> list[_T]:
    return [one for _, one in sorted(found, key=lambda pair: not pair[0])]


def _noted(part: Part, one_in: int) -> Part:
    return part if one_in == 1 else replace(part, note=f"Of one customer in {one_in}, since there are so many rows.")


def _contract(asker: Asker, relations: Relations, settings: Settings, as_of: date) -> tuple[Advice, Part]:
    made = relations.paid_periods()
    files = "source/subscriptions.sql"
    params = {**_LIMITS, "as_of": as_of, "own_grace_days": settings.churn.grace_days}
    resumed = asker.rows(RESUMED_CURVE, made, params, files=files, spells=_OF_COVERAGE)
    counted = asker.rows(CONTRACT_SETTINGS, made, params, files=files)
    curve, tried = asker.answer(RESUMED_CURVE, resumed), asker.answer(CONTRACT_SETTINGS, counted)
    charts = [curve_chart(curve, None, ("Not resumed by then", "Of those, resumed later"))] if curve.rows else []
    answers = {answer.block.name: answer for answer in (curve, tried)}
    return on_contract(resumed, counted, settings), Part(tuple(charts), answers, (tried.block.name,))


def _silence(
    asker: Asker, made: dict[str, str], as_of: date, blocks: tuple[SourceBlock, SourceBlock]
) -> tuple[list[Row] | None, Part]:
    """Return the curve, None where it took too long, and what is shown."""
    files, params = "source/payments.sql or source/usage_events.sql", {**_LIMITS, "as_of": as_of}
    silences = asker.rows(blocks[0], made, params, files=files, spells=_OF_DAYS)
    curve = asker.answer(blocks[0], silences)
    found = asker.rows(blocks[1], made, params, files=files)
    tried = asker.answer(blocks[1], None if found is None else [_with_return(row, curve) for row in found])
    charts = []
    if curve.rows:
        charts.append(curve_chart(curve, knee_of(curve.rows), ("Last longer", "Of those, end later")))
    if any(row["churn_rate"] is not None for row in tried.rows):
        charts.append(settings_chart(tried, f"{blocks[1].title}: churn rate"))
    return silences, Part(tuple(charts), {answer.block.name: answer for answer in (curve, tried)}, (tried.block.name,))


def _with_return(row: Row, curve: Answer) -> Row:
    """Add to a setting who of those silent that long comes back all the same."""
    point = at(curve.rows, row["days"])
    return {**row, "come_back_later": None if point is None else point["come_back_later"]}
