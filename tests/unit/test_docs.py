"""What the documentation says is what the program has: stages, commands, keys, views, columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from churn.config import Settings
from churn.migrate import bi_views
from churn.pipeline import STAGES
from churn.reference import PAGES, command_paths, write_pages

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

# What is promised for later, and so may be named before it is there.
COMMANDS_TO_COME = {"backfill", "forget", "serve"}


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def sources() -> Iterator[Path]:
    for pattern in ("churn/**/*.py", "sql/**/*.sql", "docs/**/*.md", "examples/**/*.md", "README.md", "CHANGELOG.md"):
        yield from sorted(ROOT.glob(pattern))


def test_the_diagram_shows_the_stages_in_the_order_that_they_run():
    diagram = re.search(r"```mermaid\n(.*?)```", text_of("docs/architecture.md"), re.DOTALL)
    assert diagram is not None
    arrows = re.findall(r"^\s*(\w+).*? --> (\w+)", diagram[1], re.MULTILINE)
    assert arrows == list(zip(("source", *STAGES), (*STAGES, "bi"), strict=True))


def test_the_table_of_stages_is_in_the_same_order():
    section = text_of("docs/architecture.md").split("## Layers")[0]
    assert tuple(re.findall(r"^\| (\w+) \|", section, re.MULTILINE)[1:]) == STAGES


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_generated_page_is_up_to_date(page):
    assert (DOCS / page).read_text(encoding="utf-8") == PAGES[page](), "run `python -m churn.reference`"


def test_the_pages_are_written_as_they_are_rendered(tmp_path):
    written = write_pages(tmp_path)
    assert {file.name for file in written} == set(PAGES)
    assert all(file.read_text(encoding="utf-8") == PAGES[file.name]() for file in written)


def test_every_command_is_documented():
    page = text_of("docs/commands.md")
    assert [path for path in command_paths() if f"## `{path}`\n" not in page] == []
    assert {"churn nightly", "churn db psql"} <= set(command_paths())


def test_every_command_that_is_named_anywhere_exists():
    known = {path.split()[1] for path in command_paths()} | COMMANDS_TO_COME
    within = {tuple(path.split()[1:]) for path in command_paths() if len(path.split()) > 2}
    groups = {group for group, _ in within}
    unknown = []
    for file in sources():
        text = file.read_text(encoding="utf-8")
        for words in re.findall(r"`churn ([a-z][a-z -]*)", text):
            name, *rest = words.split()
            if name not in known or (name in groups and rest and (name, rest[0]) not in within):
                unknown.append(f"{file.relative_to(ROOT)}: churn {words}")
    assert unknown == []


def test_every_key_of_the_configuration_has_a_meaning_and_is_documented():
    page = text_of("docs/configuration.md")
    for section, field in Settings.model_fields.items():
        keys = getattr(field.annotation, "model_fields", None)
        if keys is None:
            continue
        assert f"## `[{section}]`" in page
        part = page.split(f"## `[{section}]`")[1].split("\n## ")[0]
        for key, info in keys.items():
            assert info.description, f"{section}.{key}"
            assert f"| `{key}` | {info.description} |" in part


def test_no_default_of_a_secret_is_shown():
    assert "postgresql://" not in text_of("docs/configuration.md")


@pytest.mark.parametrize("view", bi_views(), ids=lambda view: view.name)
def test_every_column_of_a_view_has_its_meaning_in_the_order_of_the_select(view):
    meanings = [key.removeprefix("column.") for key in view.header if key.startswith("column.")]
    selected = re.split(r"(?m)^from ", re.split(r"(?m)^select$", view.body)[1])[0]
    depth_0 = re.sub(r"\([^()]*(?:\([^()]*\)[^()]*)*\)", "", selected)
    columns = [re.split(r"\s+as\s+|\.", part.strip())[-1] for part in depth_0.split(",")]
    assert columns == meanings
    assert view.header["comment"].endswith(".")
    assert f"bi.{view.name}" in view.header["example"]


def test_the_model_card_in_the_docs_is_whole():
    card = text_of("docs/model-card.md")
    headings = re.findall(r"(?m)^## (.+)$", card)
    assert {"In short", "Data", "Method", "Figures", "Limits", "Fairness", "How to read a reason"} <= set(headings)
    assert "Written by `churn models show --card`" in card
