"""What a profile comes to, in words: what to mend in the mapping, and what to set in churn.toml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from churn.config import Settings
from churn.dashboard.blocks import Row
from churn.profiling.tryout import RARE, Knee, at

Tone = Literal["good", "bad", "plain"]
_NEARLY = 0.9
_MANY = 50
_NEXT_TO_NOBODY = 0.05
_SELDOM_RESUMED = 0.02
_GRACE_DAYS = (7, 14, 30, 60)
_FEWEST_CHURNERS = 30
_FAULTS = {
    "without_time": "without a time",
    "ahead": "more than a day ahead of the clock",
    "without_customer": "without a customer_id",
    "duplicates": "with a key that another row has",
    "orphans": "of customers whom customers.sql does not give",
}


@dataclass(frozen=True)
class Advice:
    """A sentence or two, and how it is meant.

    Attributes
    ----------
    tone : {"good", "bad", "plain"}
    title, text : str
    keys : tuple of str
        Lines for churn.toml.
    """

    tone: Tone
    title: str
    text: str
    keys: tuple[str, ...] = ()


NOT_KNOWN = "Not known: it took longer than --patience, or the time for the whole profile was used up."
_NO_FAULT = (
    "Every row has a time, none lies ahead, every one has a customer whom customers.sql gives, and no key is there "
    "twice. A night looks for more, such as payments without an amount and ends before their start: the first one "
    "says what it finds."
)

# ---------------------------------------------------------------- the mapping


def on_entities(entities: Sequence[Row], settings: Settings) -> list[Advice]:
    """Say which rows an extraction could not use, and whether a night would stop at them.

    Parameters
    ----------
    entities : sequence of Row
        Of the block `entities`; one that was not counted in time has None for its rows.
    settings : Settings
    """
    found = []
    for row in entities:
        counts = {name: int(row[name] or 0) for name in _FAULTS}
        bad = sum(counts.values())
        if row["rows"] is None:
            found.append(Advice("plain", f"{row['entity']}: not looked at", NOT_KNOWN))
        elif not row["rows"]:
            found.append(Advice("bad", f"{row['entity']}: no rows", f"source/{row['entity']}.sql gives nothing."))
        elif bad:
            found.append(_on_faults(row, counts, settings.extract.max_quarantined_share))
    return found or [Advice("good", "No row has one of these five faults", _NO_FAULT)]


def _on_faults(row: Row, counts: dict[str, int], limit: float) -> Advice:
    said = ", ".join(f"{count:,} {_FAULTS[name]}" for name, count in counts.items() if count)
    share = row["unusable"] / row["rows"]
    stops = share > limit
    text = (
        f"{said}. A night puts such rows into quarantine"
        + (
            f", and stops, since they are {share:.1%} of all and extract.max_quarantined_share is {limit:.0%}"
            if stops
            else ""
        )
        + f". Mend source/{row['entity']}.sql."
    )
    return Advice("bad" if stops else "plain", f"{row['entity']}: rows that can't be used", text)


def on_columns(columns: Sequence[Row]) -> list[Advice]:
    """Say which columns hold nothing, always the same, or as many values as rows."""
    found = []
    for row in columns:
        name = f"{row['entity']}.{row['column_name']}"
        if row["missing"] == row["rows"]:
            found.append(
                Advice("plain", f"{name} is always empty", "Take it out of the SELECT, or mend where it comes from.")
            )
        elif row["kind"] == "category" and row["distinct_values"] > max(
            _MANY, _NEARLY * (row["rows"] - row["missing"])
        ):
            text = (
                "Nearly every row has a value of its own, so that no model learns from it. Take it out: it may be "
                "personal data."
            )
            found.append(Advice("bad", f"{name} looks like an id or a name", text))
        elif row["kind"] in ("category", "number") and row["distinct_values"] == 1 and not row["missing"]:
            found.append(Advice("plain", f"{name} is always the same", "It tells customers apart by nothing."))
    return found


def on_gaps(entity: str, gaps: Sequence[Row]) -> list[Advice]:
    """Say that days are missing in the middle of what happens every day."""
    if not gaps:
        return []
    longest = gaps[0]
    text = (
        f"{longest['days_in_all']:,} days without a row between the first and the last, in "
        f"{longest['gaps_in_all']:,} gaps; the longest has {longest['days']:,} days, from {longest['from_date']} to "
        f"{longest['to_date']}. Where the business was open, rows are missing in the source: silence then looks like "
        "churn."
    )
    return [Advice("plain", f"{entity}: days without a row", text)]


# ---------------------------------------------------------------- the definition of churn


def on_inactivity(curve: Sequence[Row] | None, knee: Knee | None, settings: Settings) -> Advice:
    """Say how many days without a purchase mean that a customer has left; None where that took too long to ask."""
    title = "churn.inactivity_days and churn.horizon_days"
    if curve is None:
        return Advice("plain", title, f"{NOT_KNOWN} Both stay as they are until it is.")
    if knee is None or knee.days is None or knee.setting is None:
        text = "The pauses between purchases show no bend: keep the defaults, and look again with more history."
        return Advice("plain", title, text)
    chosen = knee.setting
    why = (
        f"From {knee.rare_days} days of silence on, fewer than {RARE:.0%} of such pauses end with another purchase"
        if knee.rare_days is not None
        else f"At no length of silence that was seen long enough do fewer than {RARE:.0%} of the pauses end: the "
        f"curve bends at {knee.bend_days} days, and the return of customers slows down from there"
    )
    row = at(curve, chosen)
    later = f"; of the pauses that last {chosen} days {row['come_back_later']:.0%} end later" if row else ""
    text = (
        f"{why}. The next usual setting is {chosen} days{later}. A shorter one calls a pause churn, a longer one "
        f"tells of churn when it is too late. Now set: {settings.churn.inactivity_days} and "
        f"{settings.churn.horizon_days}."
    )
    keys = ('definition = "inactivity"', f"inactivity_days = {chosen}", f"horizon_days = {chosen}")
    return Advice("good", title, text, keys)


def on_contract(curve: Sequence[Row] | None, rows: Sequence[Row] | None, settings: Settings) -> Advice:
    """Say how many grace days tell a late renewal from a customer who has left, and how far to look ahead.

    Parameters
    ----------
    curve : sequence of Row or None
        Of the block `resumed-curve`; None where that took too long to ask, as with `rows`.
    rows : sequence of Row or None
        Of the block `contract-settings`.
    settings : Settings
    """
    title = "churn.grace_days and churn.horizon_days"
    if curve is None or rows is None:
        return Advice("plain", title, f"{NOT_KNOWN} Both stay as they are until it is.")
    if not rows:
        return Advice("plain", title, "No paid subscription: churn can't be told from contracts.")
    grace, why = _grace(curve, settings)
    tried = sorted((row for row in rows if row["grace_days"] == grace), key=lambda row: int(row["horizon_days"]))
    if not tried:
        text = f"{why} The source does not reach back far enough to try a grace of {grace} days: look again later."
        return Advice("plain", title, text)
    horizon = next((row for row in tried if row["churned"] >= _FEWEST_CHURNERS), tried[-1])
    text = (
        f"{why} With a grace of {grace} days and a horizon of {horizon['horizon_days']}, {horizon['churned']:,} of "
        f"{horizon['customers']:,} customers of {horizon['start_date']} would count as churned "
        f"({horizon['churn_rate']:.1%}). Now set: {settings.churn.grace_days} and {settings.churn.horizon_days}."
    )
    keys = ('definition = "contractual"', f"grace_days = {grace}", f"horizon_days = {horizon['horizon_days']}")
    return Advice("good", title, text, keys)


def _grace(curve: Sequence[Row], settings: Settings) -> tuple[int, str]:
    """Return the grace days after which the late have paid, and why."""
    if not curve:
        return settings.churn.grace_days, "Too few subscriptions have ended to see who resumes: grace_days stays."
    resumed, last = 1 - float(curve[-1]["still_silent"]), int(curve[-1]["days"])
    if resumed < _SELDOM_RESUMED:
        return 7, f"Hardly anybody resumes within {last} days of an end ({resumed:.1%}): a short grace is enough."
    late = next((days for days in _GRACE_DAYS if _has_come_to_rest(curve, days)), None)
    if late is None:
        return settings.churn.grace_days, (
            f"{resumed:.1%} of the ended subscriptions are resumed within {last} days, with no day by which the "
            "late have paid and after which it is quiet: grace_days stays as it is."
        )
    return late, (
        f"{_resumed_by(curve, late):.1%} of the ended subscriptions are resumed within {late} days, and hardly any in "
        f"as many days again: those were late, not gone. Who resumes after that ({resumed:.1%} have within {last} "
        "days) has left and was won back."
    )


def _has_come_to_rest(curve: Sequence[Row], days: int) -> bool:
    """Say whether as many days again bring back next to nobody, beside those who resumed so far."""
    so_far, later = _resumed_by(curve, days), _resumed_by(curve, 2 * days)
    return so_far > 0 and later - so_far < _NEXT_TO_NOBODY * so_far


def _resumed_by(curve: Sequence[Row], days: int) -> float:
    row = at(curve, min(days, curve[-1]["days"]))
    return 0.0 if row is None else 1 - float(row["still_silent"])
