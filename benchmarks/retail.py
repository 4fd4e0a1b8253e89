"""Online Retail, a real company with one year of data: `churn train` on it, as the example's README does it."""

from __future__ import annotations

import runpy
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.place import StageTimes, fresh_databases, job_of, kept_or_not, writable_source
from benchmarks.tables import number, table
from churn.errors import LeakageError
from churn.pipeline import run_train
from churn.risk.evaluation import LOGISTIC, MODEL, RECENCY
from churn.risk.judgement import EVERYBODY, FigureRow
from churn.training import TrainingReport

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "online_retail"
AS_OF = date(2011, 12, 9)
_NAME = "online_retail"
_SHOWN = ("auc_roc", "log_loss", "brier", "lift_top_decile", "calibration_slope", "observed_expected")
_NOT_AHEAD = "Not shown to be ahead of"


@dataclass(frozen=True)
class Retail:
    """What became of the training.

    Attributes
    ----------
    missing : str
        Why there is nothing to say; empty where the data are there.
    report : TrainingReport or None
    leak : str
        The LeakageError, if one was raised.
    """

    missing: str = ""
    report: TrainingReport | None = None
    leak: str = ""


def online_retail(home: Path, *, keep: bool = False) -> Retail:
    """Load the file and train on it, in databases of its own under `home`."""
    loader: dict[str, Any] = runpy.run_path(str(EXAMPLE / "load.py"))
    file: Path = loader["default_data"]()
    if not file.is_file():
        return Retail(
            missing=f"Skipped: there is no {file.name}; CHURN_SHARED names the folder with data/online_retail/."
        )
    with kept_or_not(home, keep=keep):
        settings = fresh_databases(home, _NAME, sql_dir=EXAMPLE / "source", values=_example_values())
        loader["load"](loader["open_file"](file), writable_source(settings, _NAME))
        try:
            return Retail(report=run_train(job_of(settings, AS_OF, StageTimes())))
        except LeakageError as error:
            return Retail(leak=str(error))


def _example_values() -> dict[str, Any]:
    """Return the example's own settings but the source's address."""
    sections = tomllib.loads((EXAMPLE / "churn.toml").read_text(encoding="utf-8"))
    values = {f"{section}.{key}": value for section, keys in sections.items() for key, value in keys.items()}
    del values["source.url"]
    return values


def retail_text(found: Retail) -> str:
    """Return the figures with their intervals, and what the training says of itself."""
    if found.report is None:
        return found.missing or found.leak
    rows = [row for row in found.report.judgement.figures if row.segment == EVERYBODY]
    predictors = [evaluation.predictor for evaluation in found.report.evaluations]
    known = {(row.figure, row.predictor): row for row in rows}
    cells = [
        [figure.replace("_", " "), *(_cell(known.get((figure, name))) for name in predictors)] for figure in _SHOWN
    ]
    return "\n\n".join(
        [
            f"As of {AS_OF}: {found.report.span}.",
            table(["figure", *(name.replace("_", " ") for name in predictors)], cells),
            "\n".join(f"- {note}" for note in found.report.notes),
        ]
    )


def _cell(row: FigureRow | None) -> str:
    if row is None or row.value is None:
        return "–"
    return f"{number(row.value)} [{number(row.low)}, {number(row.high)}]"


def retail_criteria(found: Retail) -> list[tuple[str, bool]]:
    """Return the criteria in words, and whether they hold; none where the data are missing."""
    if found.missing:
        return []
    if found.report is None:
        return [(f"Online Retail raises no LeakageError, but: {found.leak}", False)]
    log_loss = {evaluation.predictor: evaluation.log_loss for evaluation in found.report.evaluations}
    lines = [("Online Retail raises no LeakageError", True)]
    lines.append(
        (
            f"ahead of the recency rule: log loss {number(log_loss[RECENCY] - log_loss[MODEL], 4)} lower",
            log_loss[MODEL] < log_loss[RECENCY],
        )
    )
    lead = log_loss[LOGISTIC] - log_loss[MODEL]
    said = any(note.startswith(_NOT_AHEAD) and "logistic" in note for note in found.report.notes)
    words = "and the note says that it is not shown to be ahead" if said else "shown by its interval"
    return [*lines, (f"against logistic regression its log loss is {number(lead, 4)} lower, {words}", lead > 0 or said)]
