"""Phrases on what customers use and ask for: activity, usage entries, support, satisfaction, attributes."""

from __future__ import annotations

from churn.risk.behaviours import Behaviour
from churn.risk.facts import Facts, counted, days_long, figure
from churn.risk.phrases import Phrase, fallen, few, phrase

SILENT_DAYS = 28
QUIET_DAYS = 10
LONG_GAP_DAYS = 14
LOOK_BACK_DAYS = 180

_OF_ANY_USE = ("events_", "active_days_", "quantity_", "days_since_last_usage", "longest_gap_days_")


def use_phrases(facts: Facts, behaviour: Behaviour) -> list[Phrase]:
    """Return what speaks of less use of everything."""
    if silence := _silence(facts):
        return [silence]
    found = [
        _quiet(facts),
        *(_fall(facts, "events", days) for days in (28, 7, 90)),
        _fewer_days(facts),
        _few_days(facts),
        _few_events(facts),
        _gap(facts),
        _one_kind(facts),
    ]
    return [each for each in found if each]


def _silence(facts: Facts) -> Phrase | None:
    """Say that nothing at all was used for four weeks or more."""
    if "days_since_last_usage" not in facts.night.number_places or facts.number("events_28d"):
        return None
    columns = tuple(name for name in facts.night.names.numbers if name.startswith(_OF_ANY_USE))
    days, tenure = facts.number("days_since_last_usage"), facts.number("tenure_days")
    if days is None:
        if tenure is not None and tenure < LOOK_BACK_DAYS:
            return phrase(f"nothing used since signing up {days_long(tenure)} ago", *columns) if tenure >= 7 else None
        return phrase(f"nothing used in the last {LOOK_BACK_DAYS} days", *columns)
    if days < SILENT_DAYS:
        return None
    before = facts.number("events_90d") or 0.0
    after = (
        f", after {counted_actions(before)} in the {days_long(90 - days)} before" if before >= 1 and days < 60 else ""
    )
    return phrase(f"nothing used for {days_long(days)}{after}", *columns)


def counted_actions(value: float) -> str:
    """Return a number of actions: "1 action", "87 actions"."""
    return f"{figure(value)} action" + ("" if round(value) == 1 else "s")


def _quiet(facts: Facts) -> Phrase | None:
    days = facts.number("days_since_last_usage")
    if days is None or days < max(QUIET_DAYS, 1.5 * (facts.typical("days_since_last_usage") or 0.0)):
        return None
    fall = _fall(facts, "events", 28)
    until_then = f", {fall.text.replace(' fell ', ' down ')}" if fall else ""
    return phrase(
        f"nothing used for {days_long(days)}{until_then}", "days_since_last_usage", "events_7d", "active_days_7d"
    )


def _fall(facts: Facts, what: str, days: int) -> Phrase | None:
    return fallen(
        facts,
        (f"{what}_{days}d", f"{what}_trend_{days}d"),
        days,
        lambda now, before: f"activity fell from {figure(before)} to {counted_actions(now)}",
    )


def _fewer_days(facts: Facts) -> Phrase | None:
    return fallen(
        facts,
        ("active_days_28d", "active_days_trend_28d"),
        28,
        lambda now, before: f"active days fell from {figure(before)} to {figure(now)}",
    )


def _few_days(facts: Facts) -> Phrase | None:
    if not (pair := few(facts, "active_days_28d")):
        return None
    now, typical = pair
    columns = ("active_days_28d", "active_days_7d", "active_days_90d")
    return phrase(f"active on only {figure(now)} of the last 28 days (typical: {figure(typical)})", *columns)


def _few_events(facts: Facts) -> Phrase | None:
    if not (pair := few(facts, "events_28d")):
        return None
    now, typical = pair
    columns = ("events_28d", "events_7d", "events_90d", "quantity_28d")
    return phrase(f"only {counted_actions(now)} in the last four weeks (typical: {figure(typical)})", *columns)


def _gap(facts: Facts) -> Phrase | None:
    days = facts.number("longest_gap_days_90d")
    if days is None or days < LONG_GAP_DAYS or days < 1.5 * (facts.typical("longest_gap_days_90d") or 0.0):
        return None
    return phrase(f"{days_long(days)} in a row without any use in the last three months", "longest_gap_days_90d")


def _one_kind(facts: Facts) -> Phrase | None:
    if not (pair := few(facts, "event_types_28d")):
        return None
    now, typical = pair
    kinds = counted(now, "kind")
    return phrase(f"only {kinds} of activity in the last four weeks (typical: {figure(typical)})", "event_types_28d")


# --- one usage entry ----------------------------------------------------------------------------------------------


def entry_phrases(facts: Facts, behaviour: Behaviour) -> list[Phrase]:
    """Return what speaks of less use of one thing; silence in everything says more than any part of it."""
    if silence := _silence(facts):
        return [silence]
    subject = behaviour.subject
    by_days = facts.night.measures.get(behaviour.name) == "active_days"
    what = f"days with {subject}" if by_days else subject
    stem = f"usage_{behaviour.name}"
    found = [
        fallen(
            facts,
            (f"{stem}_28d", f"{stem}_trend_28d"),
            28,
            lambda now, before: f"{what} fell from {figure(before)} to {figure(now)}",
        ),
        _stopped(facts, stem, subject, by_days=by_days),
        _little(facts, stem, subject, by_days=by_days),
    ]
    return [each for each in found if each]


def _stopped(facts: Facts, stem: str, subject: str, *, by_days: bool) -> Phrase | None:
    now, longer = facts.number(f"{stem}_28d"), facts.number(f"{stem}_90d")
    if now != 0 or longer is None:
        return None
    columns = (f"{stem}_28d", f"{stem}_90d", f"{stem}_trend_28d", f"{stem}_7d")
    if longer >= 1:
        before = f"on {days_long(longer)}" if by_days else figure(longer)
        return phrase(f"no {subject} in the last four weeks, after {before} in the two months before", *columns)
    if longer == 0 and (facts.typical(f"{stem}_90d") or 0.0) >= 1:
        return phrase(f"no {subject} in the last three months", *columns)
    return None


def _little(facts: Facts, stem: str, subject: str, *, by_days: bool) -> Phrase | None:
    if not (pair := few(facts, f"{stem}_28d")):
        return None
    now, typical = pair
    columns = (f"{stem}_28d", f"{stem}_90d", f"{stem}_7d")
    what = f"{subject} on only {days_long(now)}" if by_days else f"only {figure(now)} {subject}"
    return phrase(f"{what} in the last four weeks (typical: {figure(typical)})", *columns)


# --- support ------------------------------------------------------------------------------------------------------


def support_phrases(facts: Facts, behaviour: Behaviour) -> list[Phrase]:
    """Return what speaks of trouble: severe, open, many or slow tickets."""
    found = []
    for column, noun, least, when in (
        ("severe_tickets_90d", "severe support ticket", 1, "in the last three months"),
        ("tickets_open", "support ticket", 1, "still open"),
        ("tickets_28d", "support ticket", 1, "in the last 28 days"),
        ("tickets_90d", "support ticket", 2, "in the last three months"),
    ):
        value = facts.number(column)
        if value is not None and value >= least:
            found.append(phrase(f"{counted(value, noun)} {when}", column, "days_since_last_ticket"))
    days, typical = facts.number("close_days_avg_90d"), facts.typical("close_days_avg_90d")
    if days is not None and typical is not None and days >= max(2.0, 1.5 * typical):
        text = f"support took {days_long(days)} to close a ticket (typical: {figure(typical)})"
        found.append(phrase(text, "close_days_avg_90d"))
    return found


def satisfaction_phrases(facts: Facts, behaviour: Behaviour) -> list[Phrase]:
    """Return what speaks of a rating below the usual."""
    found = []
    for column, said in (
        ("satisfaction_last", "rated the last support ticket {}"),
        ("satisfaction_avg_90d", "rated support {} on average in the last three months"),
    ):
        value, typical = facts.number(column), facts.typical(column)
        if value is not None and typical is not None and value < typical and figure(value) != figure(typical):
            found.append(phrase(f"{said.format(figure(value))} (typical: {figure(typical)})", column))
    return found


def attribute_phrases(facts: Facts, behaviour: Behaviour) -> list[Phrase]:
    """Return an attribute as it stands; whether it adds risk is for the model to say, as it has no direction."""
    column = f"attribute_{behaviour.name}"
    if level := facts.level(column):
        return [phrase(f"{behaviour.subject}: {level}", column, standing=True)]
    value, typical = facts.signed(column), facts.typical(column)
    if value is None or typical is None or figure(value) == figure(typical):
        return []
    text = f"{behaviour.subject}: {figure(value)} (typical: {figure(typical)})"
    return [phrase(text, column, standing=True)]
