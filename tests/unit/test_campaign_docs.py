"""What docs/campaigns.md shows is what the program takes: commands, columns, who may read what."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from churn.campaigns.sheets import COLUMNS, open_sheet
from churn.cli import app
from churn.roles import MARKETING_VIEWS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "campaigns.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"^\$ (churn .+)$|`(churn [^`]* --[^`]*)`", PAGE, re.MULTILINE)))
READERS = PAGE.split("**Who reads what.**")[1].split("\n\n")[0]


def test_there_are_commands_to_look_at() -> None:
    shown = {" ".join((shell or inline).split()[:3]) for shell, inline in COMMANDS}
    assert {f"churn campaign {name}" for name in ("record", "results", "withdraw")} | {"churn export at-risk"} == shown


@pytest.mark.parametrize(("shell", "inline"), COMMANDS)
def test_every_command_is_one_as_it_stands(shell: str, inline: str) -> None:
    words = shlex.split(shell or inline)[1:]
    command = get_command(app)
    context = command.make_context("churn", list(words))
    while subcommand := getattr(command, "commands", {}).get(words[0] if words else ""):
        command, words = subcommand, words[1:]
        context = command.make_context(str(command.name), list(words), parent=context)
    assert not getattr(command, "commands", {}), "a command, not a group"
    if "campaign record" in (shell or inline):
        assert context.params["file"] is not None
        assert context.params["sent_on"] or context.params["as_of"], "the day must be said"


def test_the_sheet_that_is_shown_is_read_whole() -> None:
    (shown,) = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    sheet = open_sheet([shown.encode()], "sent.csv", "UTC")
    rows = [line.split(",") for line in b"".join(sheet.batches()).decode().splitlines()]
    assert [row[COLUMNS.index("sent_date")] for row in rows] == ["2026-11-22", "2026-11-23"]
    assert [row[COLUMNS.index("reason")] for row in rows] == ["", ""]


def test_who_may_read_a_view_that_is_named_is_said() -> None:
    of_marketing, of_all = (set(re.findall(r"`bi\.(\w+)`", part)) for part in READERS.split("Only"))
    assert of_marketing == set(MARKETING_VIEWS)
    assert of_all == set(re.findall(r"`bi\.(\w+)`", PAGE)) - of_marketing
