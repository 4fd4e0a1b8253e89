"""What a running job shows: bars on a terminal, one JSON object a line elsewhere, tables on stdout."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime

import pytest
from rich.console import Console

from churn.terminal import BarProgress, LogProgress, print_table, progress_for

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def play(progress: BarProgress | LogProgress) -> None:
    progress.run_started("nightly", 7, date(2026, 11, 22))
    progress.stage_started("extract")
    progress.advanced("customers", 1200)
    progress.stage_finished("extract", 1234, 0.51234)
    progress.note("No model [yet]: ranked by :recency:.")
    progress.close()


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


def lines_of(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_log_has_one_object_a_line_that_says_run_night_and_stage(log):
    play(LogProgress(log, lambda: NOON))
    run = {"time": "2026-11-22T12:00:00.000+00:00", "job": "nightly", "run_id": 7, "as_of": "2026-11-22"}
    assert lines_of(log) == [
        {**run, "event": "run started"},
        {**run, "event": "stage started", "stage": "extract"},
        {**run, "event": "stage finished", "stage": "extract", "rows": 1234, "seconds": 0.512},
        {**run, "event": "note", "text": "No model [yet]: ranked by :recency:."},
    ]


def test_a_log_line_stays_one_line_whatever_is_in_it(log):
    LogProgress(log, lambda: NOON).note('two\nlines, "quotes", 🦄')
    assert len(log.getvalue().splitlines()) == 1
    assert lines_of(log)[0]["text"] == 'two\nlines, "quotes", 🦄'


def test_a_second_run_starts_with_its_own_context(log):
    progress = LogProgress(log, lambda: NOON)
    progress.run_started("train", 1, date(2026, 11, 22))
    progress.stage_started("risk")
    progress.run_started("nightly", 2, date(2026, 11, 22))
    assert (lines_of(log)[-1]["run_id"], "stage" in lines_of(log)[-1]) == (2, False)


def bars(log: io.StringIO) -> BarProgress:
    return BarProgress(Console(file=log, force_terminal=True, width=100, legacy_windows=False))


def test_bars_show_stage_rows_and_notes_as_they_are(log):
    play(bars(log))
    shown = log.getvalue()
    for words in ("nightly", "run 7", "extract", "1,234 rows", "✓", "No model [yet]: ranked by :recency:."):
        assert words in shown, words


def test_bars_survive_a_stage_that_fails_and_closing_twice(log):
    progress = bars(log)
    progress.stage_started("risk")
    progress.advanced("rows", 5)
    progress.close()
    progress.close()
    progress.stage_finished("risk", 5, 0.1)
    progress.advanced("rows", 6)
    assert "\x1b[?25h" in log.getvalue(), "the cursor must be shown again"


def test_bars_are_for_terminals_alone(log):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert isinstance(progress_for(Terminal(), lambda: NOON), BarProgress)
    assert isinstance(progress_for(log, lambda: NOON), LogProgress)


def test_a_table_shows_every_cell_as_it_is(capsys):
    print_table("Title", ["name", "value"], [["[red]x[/] [/] :smile:", 1234567], [None, 0.12345], ["🦄", 12.5]])
    shown = capsys.readouterr().out
    for words in ("[red]x[/] [/] :smile:", "1,234,567", "–", "0.123", "12", "🦄"):
        assert words in shown, words


def test_a_table_without_rows_has_its_headings(capsys):
    print_table("Title", ["name", "value"], [])
    assert "name" in capsys.readouterr().out
