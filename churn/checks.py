"""Checks before publishing: each file of `sql/checks` finds the rows that should not be; none means it passed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.engine import Connection

from churn.errors import ChecksFailedError
from churn.schema import check_results
from churn.sqlfiles import SqlFile, sql_folder

EXAMPLES = 3
_LONGEST_DETAIL = 600
SEVERITIES = ("fail", "warn")


@dataclass(frozen=True)
class CheckResult:
    """What one check found."""

    name: str
    severity: str
    rows: int
    detail: str | None

    @property
    def passed(self) -> bool:
        """Whether it found nothing."""
        return self.rows == 0


def run_checks(connection: Connection, params: Mapping[str, Any]) -> list[CheckResult]:
    """Run every check with the parameters that it names, in order of name."""
    return [_run(connection, check, params) for check in sql_folder("checks")]


def _run(connection: Connection, check: SqlFile, params: Mapping[str, Any]) -> CheckResult:
    problems = check.statement.columns(sa.column("problem", sa.Text)).subquery("problems")
    first = problems.c.problem.collate("C")
    ordered = sa.func.array_agg(aggregate_order_by(first, first), type_=ARRAY(sa.Text))
    rows, examples = connection.execute(
        sa.select(sa.func.count(), ordered[1:EXAMPLES]).select_from(problems),
        {name: params[name] for name in check.params},
    ).one()
    return CheckResult(check.name, check.header["severity"], rows, _detail(rows, examples or []))


def _detail(rows: int, examples: list[str | None]) -> str | None:
    """Return some examples, short enough for a line of a table or of a message."""
    if rows == 0:
        return None
    named = [example for example in examples if example is not None]
    detail = "; ".join(named) if named else "no example can be told"
    return detail if len(detail) <= _LONGEST_DETAIL else f"{detail[:_LONGEST_DETAIL]}…"


def store(connection: Connection, run_id: int, results: list[CheckResult]) -> None:
    """Keep what the checks found, for `bi.data_quality`."""
    connection.execute(
        sa.insert(check_results),
        [
            {
                "run_id": run_id,
                "check_name": result.name,
                "severity": result.severity,
                "status": "passed" if result.passed else "failed",
                "rows": result.rows,
                "detail": result.detail,
            }
            for result in results
        ],
    )


def refuse_failures(results: list[CheckResult]) -> None:
    """Stop before publishing where a check of severity `fail` found something.

    Raises
    ------
    ChecksFailedError
        Names each such check with examples.
    """
    failed = [result for result in results if not result.passed and result.severity == "fail"]
    if failed:
        what = "; ".join(f"{result.name}: {result.rows} problems ({result.detail})" for result in failed)
        raise ChecksFailedError(
            f"Checks failed, nothing was published: {what}.",
            "See bi.data_quality; mend the source and run again.",
        )


def stored_results(connection: Connection, run_id: int) -> list[CheckResult]:
    """Return what the checks of a run have found, as it was stored."""
    kept = check_results.c
    found = connection.execute(
        sa.select(kept.check_name, kept.severity, kept.rows, kept.detail).where(kept.run_id == run_id)
    )
    return [CheckResult(row.check_name, row.severity, row.rows, row.detail) for row in found]
