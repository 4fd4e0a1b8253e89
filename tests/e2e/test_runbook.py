"""Every command of the runbook, run: `churn …` and `select …`, in code spans and blocks."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from churn.errors import ChurnError
from tests.conftest import MakeTemplate
from tests.e2e.bad_input_source import AS_OF as SHOP_NIGHT
from tests.e2e.bad_input_source import REPOSITORY, Shop, fill_shop, run_churn
from tests.e2e.company import AS_OF, Office, copied, dropped, night_of
from tests.e2e.conftest import MakeOffice

RUNBOOK = (REPOSITORY / "docs" / "runbook.md").read_text(encoding="utf-8")

# What the words in capitals stand for in the tests' company.
STANDS_FOR = {
    "CUSTOMER_ID": "c8",
    "FILE": "scores.csv",
    "SCHEMA.TABLE": "marketing.tonight",
    "TEXT": "tried",
    "RUN": "(select max(run_id) from bi.job_runs)",
}
# What is added: the company's night is long past, and nobody is there to be asked.
WITH = {
    "churn extract": ["--as-of", SHOP_NIGHT],
    "churn train": ["--as-of", AS_OF.isoformat()],
    "churn forget CUSTOMER_ID": ["--yes"],
}
# Commands that end otherwise than well in the tests' company, and why.
ENDS_WITH = {
    "churn models rollback --reason TEXT": 14,  # there is no model before the first
    "churn scheduler --healthy": 1,  # none is at work
    "churn db psql": 2,  # the tests' warehouse is not the embedded one
}
FOR_EVER = "churn scheduler"
OF_MODELS = re.compile("churn (models|train)")


def commands() -> list[str]:
    """Every command on the page, once, in its order."""
    found = []
    for block in re.findall(r"```(?:sh|sql)\n(.*?)```", RUNBOOK, re.DOTALL):
        for line in block.splitlines():
            found.append(line.split("  #")[0].strip().removesuffix(";"))
    text = re.sub(r"```.*?```", "", RUNBOOK, flags=re.DOTALL)
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)]
    found += [span.removeprefix("docker compose exec scheduler ") for span in spans]
    return list(dict.fromkeys(line for line in found if re.match(r"(CHURN_\S+ )?(churn|select) ", line)))


def filled_in(command: str, night: str) -> str:
    for word, value in {**STANDS_FOR, "DATE": night}.items():
        command = re.sub(rf"\b{word}\b", value, command)
    assert not re.search(r"(?<!_)\b[A-Z]{3,}\b|…", command), f"{command}: what stands for the word in capitals?"
    return command


@pytest.fixture(scope="module")
def office(make_office: MakeOffice) -> Office:
    """A company with a model, for what is about models and for the views."""
    made = make_office(retry__attempts=1)
    made.tell(night_of(AS_OF))
    return made


@pytest.fixture(scope="module")
def shop(make_template: MakeTemplate, server_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop whose nights take a moment."""
    folder = tmp_path_factory.mktemp("runbook")
    template = make_template(
        "runbook_shop", lambda url: fill_shop(url, folder / "fill", customers=40, night=SHOP_NIGHT)
    )
    url = copied(server_home, template)
    made = Shop(folder / "shop", url, {"retry.attempts": 1})
    made.execute("create schema marketing; grant usage, create on schema marketing to churn_job")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        yield made
    dropped(server_home, url)


def test_every_exit_code_and_no_other_has_its_section():
    codes = {kind.exit_code for kind in everything_below(ChurnError)} | {1, 2}
    assert {int(code) for code in re.findall(r"^### (\d+):", RUNBOOK, re.MULTILINE)} == codes
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", RUNBOOK, re.MULTILINE)} == codes | {0}


def everything_below(kind: type[ChurnError]) -> list[type[ChurnError]]:
    return [found for child in kind.__subclasses__() for found in (child, *everything_below(child))]


def test_links_within_the_page_lead_somewhere():
    headings = re.findall(r"^#+ (.+)$", RUNBOOK, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", RUNBOOK)) <= anchors


def test_what_is_expected_is_on_the_page():
    assert set(ENDS_WITH) | set(WITH) | {FOR_EVER} <= set(commands())


@pytest.mark.parametrize("command", [command for command in commands() if command.startswith("select ")])
def test_a_query_runs(shop, command):
    shop.rows(filled_in(command, SHOP_NIGHT))


@pytest.mark.parametrize("command", [command for command in commands() if OF_MODELS.match(command)])
def test_a_command_about_models_runs(office, command):
    version = office.value("select model_version from ops.models where kind = 'churn'")
    line = filled_in(command.replace("VERSION", version), AS_OF.isoformat())
    done = run_churn(*shlex.split(line)[1:], *WITH.get(command, []), "--config", str(office.config))
    assert done.code == ENDS_WITH.get(command, 0), done.err


@pytest.mark.parametrize(
    "command", [line for line in commands() if not re.match("select ", line) and not OF_MODELS.match(line)]
)
def test_any_other_command_runs(shop, monkeypatch, command):
    if command == FOR_EVER:
        assert_schedules_until_told_to_stop(shop)
        return
    words = shlex.split(filled_in(command, SHOP_NIGHT))
    while words[0] != "churn":
        monkeypatch.setenv(*words.pop(0).split("="))
    done = shop.run(*words[1:], *WITH.get(command, []))
    assert done.code == ENDS_WITH.get(command, 0), done.err


def assert_schedules_until_told_to_stop(shop: Shop) -> None:
    line = [sys.executable, "-m", "churn", "scheduler", "--config", str(shop.config)]
    shop.configure(schedule__catch_up_nights=0, schedule__nightly="0 0 1 1 *", schedule__train="0 0 1 1 *")
    process = subprocess.Popen(line, cwd=shop.folder, stderr=subprocess.DEVNULL)
    try:
        give_up = time.monotonic() + 60
        while shop.run("scheduler", "--healthy").code and time.monotonic() < give_up:
            assert process.poll() is None
            time.sleep(0.5)
        well = shop.run("scheduler", "--healthy")
        assert well.code == 0, well.out
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
