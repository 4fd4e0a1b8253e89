"""What the parts of `make evaluate` found, and the document that says it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from benchmarks.campaign_gain import CAMPAIGN_WORDS, Coverage, Gain, campaign_criteria, campaign_tables
from benchmarks.ceiling import Ceiling
from benchmarks.clv_company import ValuedYear, clv_criteria
from benchmarks.clv_worlds import WorldResult, clv_worlds_criteria, clv_worlds_table
from benchmarks.criteria import Judged, criteria
from benchmarks.figures import billing_table, calibration_table, ceiling_tables, predictor_table
from benchmarks.leaks import Caught, leak_criteria
from benchmarks.permuted import Permuted
from benchmarks.place import say
from benchmarks.realised import Realised, realised_criteria, realised_table
from benchmarks.retail import Retail, retail_criteria, retail_text
from benchmarks.tables import machine, verdicts, versions

_CEILING_WORDS = (
    "The simulation knows each customer's probability of leaving within the label window. The *ceiling* is the best "
    "that anyone could do with the same features: {recipe} *True probability* is the full-information oracle: it "
    "knows what no feature tells, what happens inside the window included. *AUC, expected* is taken over all ways in "
    "which the same customers might have left; all figures are of the test months, out of time."
)
_CALIBRATION_WORDS = (
    "Slope and observed/expected (O/E) come from who left; beside them the same from the true probabilities, without "
    "the noise of who happened to. The gap is the mean of |p − ceiling p|. ECE alone proves nothing; beside it stands "
    "what perfect probabilities of the same rows exceed once in twenty times."
)
_JUDGED_WORDS = (
    "Calibration is judged by the mean over the companies, as the ceiling's criteria are, and every company is listed. "
    "The churn model's settings were chosen on other companies, with the seeds 7 and 11 to 14; the method of CLV on "
    "those with the seeds 21 and 22."
)
_REALISED_WORDS = (
    "One model, trained as of {trained}, scores each of the 12 month ends from then on; what happens is held against "
    "the prediction intervals that it was stored with. *Inside it*: the 95 % interval of that figure alone; *inside "
    "the year's*: widened by Bonferroni over the figures and months of a year, as the nights use it. A warning is a "
    "second breach in a row."
)
_WORLDS_WORDS = (
    "Small worlds of four kinds, in which customers buy as in BG/NBD and spend as in gamma-gamma, simulated by code of "
    "its own; each is fitted and then plays a year on. PIT is the share of customers whose outcome lies in the middle "
    "80 % of what was said of them, overall and by value tier."
)


@dataclass
class Findings:
    """What the parts found; a part that was not asked for leaves its fields as they are.

    Attributes
    ----------
    ceiling : Ceiling or None
    judged : list of Judged
        By company.
    realised : list of Realised
        By company, month and figure.
    notes : tuple of str
        Of the training on the first company.
    valued : list of ValuedYear
        Contractual CLV, by company.
    worlds : list of WorldResult
        CLV by inactivity, by simulated world.
    contracts : list of (str, bool)
        The criteria of contractual CLV on small simulated worlds, and whether each holds.
    gains : list of Gain
        What lists earn, by company.
    coverages : list of Coverage
        Intervals of campaigns' effects, by list and holdout share.
    claims : list of (str, bool)
        The criteria of what nights claim, and whether each holds.
    permuted : Permuted or None
    caught : list of Caught
        By company and planted leak.
    clean : dict of company to the columns named
    retail : Retail or None
    seconds : dict of what to seconds
    """

    ceiling: Ceiling | None = None
    judged: list[Judged] = field(default_factory=list)
    realised: list[Realised] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    valued: list[ValuedYear] = field(default_factory=list)
    worlds: list[WorldResult] = field(default_factory=list)
    contracts: list[tuple[str, bool]] = field(default_factory=list)
    gains: list[Gain] = field(default_factory=list)
    coverages: list[Coverage] = field(default_factory=list)
    claims: list[tuple[str, bool]] = field(default_factory=list)
    permuted: Permuted | None = None
    caught: list[Caught] = field(default_factory=list)
    clean: dict[str, list[str]] = field(default_factory=dict)
    retail: Retail | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Keep how long something took, and say so."""
        started = time.monotonic()
        yield
        seconds = time.monotonic() - started
        self.seconds[what] = self.seconds.get(what, 0.0) + seconds
        say(f"{what}: {seconds:.0f} s")


def report(found: Findings, options: argparse.Namespace, trained: date) -> str:
    """Return everything in Markdown, the verdict first."""
    parts = [
        "# How good the models are",
        "`make evaluate` simulates companies, takes them through extraction and snapshots in SQL, trains as `churn "
        "train` does, and judges by the criteria of a sceptical statistician. It also trains on a real company.",
        _heading(found, options, trained),
        "## Verdict\n\n" + verdicts(_verdict(found)),
        *([_JUDGED_WORDS] if found.judged else []),
    ]
    if found.ceiling is not None:
        parts += _ceiling_parts(found, found.ceiling)
    if found.realised:
        words = _REALISED_WORDS.format(trained=trained)
        parts.append(f"## The year after\n\n{words}\n\n{realised_table(found.realised)}")
    if found.worlds:
        parts.append(f"## Customer lifetime value by inactivity\n\n{_WORLDS_WORDS}\n\n{clv_worlds_table(found.worlds)}")
    if found.gains:
        parts.append(f"## Lists and campaigns\n\n{CAMPAIGN_WORDS}\n\n{campaign_tables(found.gains, found.coverages)}")
    if found.retail is not None:
        parts.append("## Online Retail\n\n" + retail_text(found.retail))
    return "\n\n".join(parts)


def _heading(found: Findings, options: argparse.Namespace, trained: date) -> str:
    seeds = ", ".join(map(str, options.seeds))
    times = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in found.seconds.items())
    return (
        f"{datetime.now(UTC):%Y-%m-%d}; companies of {options.customers:,} customers, seeds {seeds}, trained as of "
        f"{trained}; {machine()}; {versions()}. {times[:1].upper()}{times[1:]}; {sum(found.seconds.values()) / 60:.0f} "
        "minutes in all."
    )


def _verdict(found: Findings) -> list[tuple[str, bool]]:
    lines = criteria(found.judged) if found.judged else []
    lines += realised_criteria(found.realised) if found.realised else []
    lines += clv_criteria(found.valued) if found.valued else []
    lines += found.contracts
    lines += clv_worlds_criteria(found.worlds) if found.worlds else []
    lines += campaign_criteria(found.gains, found.coverages) if found.gains else []
    lines += found.claims
    lines += [found.permuted.verdict()] if found.permuted is not None else []
    lines += leak_criteria(found.caught, found.clean) if found.clean else []
    lines += retail_criteria(found.retail) if found.retail is not None else []
    return lines


def _ceiling_parts(found: Findings, ceiling: Ceiling) -> list[str]:
    first = found.judged[0]
    words = _CEILING_WORDS.format(recipe=ceiling.words)
    span = (
        f"{first.model.months} months from {first.model.first_as_of} to {first.model.last_as_of}, "
        f"{first.model.rows:,} customer-months, {first.model.churners:,} churners "
        f"(base rate {first.model.base_rate:.3f})"
    )
    return [
        f"## Beside the ceiling\n\n{words}\n\n{ceiling_tables(found.judged)}",
        f"## Calibration\n\n{_CALIBRATION_WORDS}\n\n{calibration_table(found.judged)}",
        f"## Every predictor, seed {first.seed}\n\nFrom who left: {span}.\n\n{predictor_table(first)}",
        f"## The model by billing, seed {first.seed}\n\n{billing_table(first)}",
        "## Notes of the training, seed " + f"{first.seed}\n\n" + "\n".join(f"- {note}" for note in found.notes),
    ]
