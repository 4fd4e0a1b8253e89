"""What a finding is, where its numbers come from, and in which order findings are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.engine import Connection

from churn.errors import WarehouseError
from churn.insights.chance import proven
from churn.sqlfiles import read_sql
from churn.warehouse import literal_sql

SEGMENTS = "Which segments churn most?"
BEHAVIOUR = "What behaviour leads to churn?"
VALUE = "Who is valuable and at risk?"
CONTACT = "Whom to contact first, with what?"
CAMPAIGN = "Did the campaign work?"
CHANGE = "What changed within a week?"
QUESTIONS = (SEGMENTS, BEHAVIOUR, VALUE, CONTACT, CAMPAIGN)

Numbers = dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """Numbers, and the query on a `bi` view that gives them again.

    Attributes
    ----------
    view : str
        `bi.<name>` that the query is mainly about.
    query : str
        One row, as whoever may read the view can run it.
    numbers : dict
        That row: numbers, texts, dates as text; nulls are None.
    """

    view: str
    query: str
    numbers: Numbers

    def as_json(self) -> dict[str, Any]:
        """Return what is stored."""
        return {"view": self.view, "query": self.query, "numbers": self.numbers}


@dataclass(frozen=True)
class Finding:
    """One thing that a night has to say.

    Attributes
    ----------
    insight : str
        Name of its kind, for programs.
    question : str
    subject : str
        A segment, a behaviour, a campaign, or all.
    finding, recommendation : str
        In plain words.
    evidence : Evidence
    stake : float
        Money that it is about, for the order.
    effect, p_value : float or None
        Only of claims.
    """

    insight: str
    question: str
    subject: str
    finding: str
    recommendation: str
    evidence: Evidence
    stake: float = 0.0
    effect: float | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class Candidate:
    """A claim that is made where the night's tests together allow it.

    Attributes
    ----------
    kind : str
        The question that it answers; its tests are judged together.
    p_value : float
    is_big : bool
        It reaches the least effect that anybody would act on.
    finding : callable
        Puts it into words; only called for what is proven and big.
    small : callable, optional
        Puts it into words where it is proven, but nobody would act on so little.
    """

    kind: str
    p_value: float
    is_big: bool
    finding: Callable[[], Finding]
    small: Callable[[], Finding] | None = None


@dataclass(frozen=True)
class Night:
    """A night that is looked at as readers will see it: a run's rows, but no query names the run.

    A rerun of the same night then says the same to the letter.

    Attributes
    ----------
    connection : sqlalchemy.Connection
    as_of : date
    currency : str
    horizon_days : int
        Within how many days leaving counts as churn.
    wait_days : int
        After how many days it is known: the horizon and the grace after it.
    """

    connection: Connection
    as_of: date
    currency: str
    horizon_days: int
    wait_days: int

    def evidence(self, name: str, view: str, **subject: str) -> Evidence | None:
        """Run `sql/insights/evidence_<name>.sql`; None where it gives no row."""
        rows = self.rows(f"evidence_{name}", **subject)
        if not rows:
            return None
        file = read_sql(f"insights/evidence_{name}.sql")
        return Evidence(view, literal_sql(file.statement, **self._params(file.params, subject)), rows[0])

    def expect(self, name: str, view: str, **subject: str) -> Evidence:
        """Run the same where there is a row whatever the night is like.

        Raises
        ------
        WarehouseError
            There is none.
        """
        found = self.evidence(name, view, **subject)
        if found is None:
            about = ", ".join(subject.values()) or "all"
            raise WarehouseError(
                f"{view} shows nothing of {self.as_of} for the insight '{name}' ({about}).",
                "Run `churn migrate`, then the same command again.",
            )
        return found

    def rows(self, name: str, **subject: str) -> list[Numbers]:
        """Run `sql/insights/<name>.sql` for the night."""
        file = read_sql(f"insights/{name}.sql")
        found = self.connection.execute(file.statement, self._params(file.params, subject)).mappings()
        return [{key: plain(value) for key, value in row.items()} for row in found]

    def _params(self, names: tuple[str, ...], subject: dict[str, str]) -> dict[str, Any]:
        known = {"as_of": self.as_of, "wait_days": self.wait_days, **subject}
        return {name: known[name] for name in names}


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: amounts as numbers, dates as text."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value


def believed(candidates: list[Candidate]) -> list[Candidate]:
    """Return what the night's tests together prove, big or small, in the order given."""
    passed = proven([candidate.p_value for candidate in candidates], [candidate.kind for candidate in candidates])
    return [candidate for candidate, is_proven in zip(candidates, passed, strict=True) if is_proven]


def claimed(proved: list[Candidate]) -> list[Finding]:
    """Put into words what is proven and big."""
    return [candidate.finding() for candidate in proved if candidate.is_big]


def real_but_small(proved: list[Candidate], question: str) -> list[Finding]:
    """Put into words what is proven of a question, but less than anybody would act on."""
    return [
        candidate.small()
        for candidate in proved
        if candidate.kind == question and not candidate.is_big and candidate.small is not None
    ]


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Order findings: the most money first, then the strongest claim, then by name."""

    def place(finding: Finding) -> tuple[Any, ...]:
        chance = 1.0 if finding.p_value is None else finding.p_value
        return (-finding.stake, chance, -abs(finding.effect or 0.0), finding.insight, finding.subject)

    return sorted(findings, key=place)
