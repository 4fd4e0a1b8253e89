"""The report without a database: what its page says, and what becomes of its file and its mail."""

from __future__ import annotations

import gzip
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from churn.alerts.channels import MAIL
from churn.config import Settings
from churn.dashboard.blocks import Answer
from churn.dashboard.formats import Formats
from churn.dashboard.inlining import inlined
from churn.dashboard.pages.overview import Measure
from churn.dashboard.reading import Night
from churn.dashboard.rendering import environment, render
from churn.dashboard.report import Report
from churn.dashboard.report_history import LISTS, NIGHT, TOTALS
from churn.errors import WarehouseError
from churn.export import runs
from churn.night_rows import Selection
from churn.reporting import nightly
from churn.sqlfiles import read_sql

DAY = date(2026, 11, 20)
AT = datetime(2026, 11, 21, 3, tzinfo=UTC)
MADE = Report(DAY, "<!doctype html>", 3)


# ---------------------------------------------------------------- the page


def page(chapters: dict[str, dict[str, Any]], *, is_latest: bool, running: str | None = None) -> str:
    night = Night(DAY, 7, AT, "m1")
    state = SimpleNamespace(night=night, running=running, running_since=AT, failed=None, failed_as_of=None)
    shown = [
        SimpleNamespace(chapter=SimpleNamespace(name=name, title=name, question=""), drawn=(), tables=(), facts=facts)
        for name, facts in chapters.items()
    ]
    context = {
        "within": inlined(with_charts=False),
        "title": "The night",
        "question": "",
        "state": state,
        "night": night,
        "is_latest": is_latest,
        "chapters": shown,
        "facts": chapters,
        "made_at": AT,
        "folder": None,
    }
    return " ".join(render(environment(Formats("EUR", "UTC", "en")), "report.html", context).split())


def latest(measure: Measure | None = None, running: str | None = None) -> str:
    outcomes = SimpleNamespace(passed=1, warned=0, failed=0)
    chapters = {
        "kpis": {"measures": [measure] if measure else [], "at_risk": SimpleNamespace(value=None)},
        "quality": {"outcomes": outcomes, "found": Answer(LISTS, [], 0), "passed": SimpleNamespace(total=1)},
    }
    return page(chapters, is_latest=True, running=running)


def test_a_tile_says_its_own_month_and_the_one_before() -> None:
    said = latest(Measure("Customers", 110, "integer", date(2026, 10, 1), 0.1, date(2026, 9, 1), "better"))
    assert "Oct 2026: ▲ up 10% on Sep 2026: better" in said.replace("10.0%", "10%")


def test_a_job_that_is_at_work_is_soon_over_and_not_told() -> None:
    assert "A job is at work" not in latest(running="train")


def older(*, with_hindsight: bool) -> str:
    totals, lists = [{"in_sample": with_hindsight}], [{"is_rehearsal": with_hindsight}]
    return page(
        {
            "value-risk": {"blocks": {TOTALS.name: Answer(TOTALS, totals, 1)}},
            "at-risk": {"blocks": {LISTS.name: Answer(LISTS, lists, 1)}},
        },
        is_latest=False,
    )


@pytest.mark.parametrize("said", ["It was scored with hindsight", "Its list is a rehearsal"])
def test_an_older_night_that_was_made_up_afterwards_says_so(said: str) -> None:
    assert said in older(with_hindsight=True)
    assert said not in older(with_hindsight=False)


def test_the_months_of_an_older_night_are_those_before_it() -> None:
    asks = NIGHT.asks(NIGHT.query.model_validate({"as_of": DAY, "customers": 5}))
    (months,) = [ask for ask in asks if ask.block.name == "report-months"]
    assert months.parameters == {"as_of": DAY}
    assert read_sql("dashboard/report_months.sql").header["params"] == "as_of"


def test_rows_left_out_are_no_checks() -> None:
    assert "when q.check_name like 'quarantine:%' then 'rows left out'" in read_sql("dashboard/report_checks.sql").body


# ---------------------------------------------------------------- the file and the mail


class Mailbox:
    """A mail channel that keeps what it is given."""

    name = MAIL

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def send(self, message: Any, *, at: float) -> None:
        self.messages.append(message)


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Mailbox:
    found = Mailbox()
    monkeypatch.setattr(nightly, "channels_of", lambda settings: [found])
    monkeypatch.setattr(nightly, "_made", lambda settings, as_of, at: MADE)
    return found


def reporting(folder: Path | None, keep: int = 2, *, mail: bool = False) -> Settings:
    settings = Settings()
    report = settings.report.model_copy(update={"folder": folder, "keep": keep, "mail": mail})
    return settings.model_copy(update={"report": report})


def test_a_report_of_an_old_night_is_not_deleted_as_it_is_written(
    box: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nightly, "_record", lambda *given: None)
    newer = [f"report_2026-11-{day}.html" for day in (22, 23, 24)]
    for name in newer:
        (tmp_path / name).touch()
    (said,) = nightly.nightly_report(reporting(tmp_path), DAY, lambda: AT)
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"report_{DAY}.html", *newer[1:]]
    assert "1 older ones were deleted" in said


def test_a_file_that_the_ledger_does_not_know_goes_and_the_mail_is_sent(
    box: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(settings: Settings, job: str) -> None:
        raise WarehouseError("The warehouse can't be reached.", "Start it.")

    monkeypatch.setattr(nightly, "open_warehouse", refuse)
    kept, mailed = nightly.nightly_report(reporting(tmp_path, mail=True), DAY, lambda: AT)
    assert "can't be reached" in kept
    assert list(tmp_path.iterdir()) == []
    assert mailed.startswith("The report was mailed")
    assert len(box.messages) == 1


def test_the_mail_has_the_report_packed(box: Mailbox) -> None:
    nightly.nightly_report(reporting(None, mail=True), DAY, lambda: AT)
    (attached,) = box.messages[0].attachments
    assert (attached.name, attached.media_type) == (f"report_{DAY}.html.gz", "application/gzip")
    assert gzip.decompress(attached.content).decode() == MADE.html


def test_an_export_that_the_ledger_does_not_know_goes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Any) -> None:
        raise WarehouseError("The warehouse can't be reached.", "Start it.")

    monkeypatch.setattr(runs, "write_rows", lambda night, fmt, file: file.write(b"id\n"))
    monkeypatch.setattr(runs, "reading", lambda *given: nullcontext(SimpleNamespace(as_of=DAY)))
    monkeypatch.setattr(runs, "record", refuse)
    with pytest.raises(WarehouseError):
        runs.export(Mock(), Selection("at-risk"), DAY, "csv", tmp_path / "list.csv", at=AT)
    assert list(tmp_path.iterdir()) == []
