"""The generated pages of `docs/`: commands, configuration, features, warehouse.

`python -m churn.reference` writes them. Each is rendered from what the program itself goes by: the functions of the
command line, the settings' fields, the headers of `sql/views/`. A test compares.
"""

from __future__ import annotations

import inspect
import itertools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.models import ArgumentInfo

from churn.cli import app
from churn.config import Offer, Settings, UsageFeature
from churn.features.docs import render_markdown
from churn.migrate import bi_views
from churn.sqlfiles import SqlFile

_COMMANDS_HEAD = """\
# Commands

`--config PATH` (default: `churn.toml` in the current folder), `--debug` (show the traceback of an error) and `--help`
may stand anywhere on the line; `churn --version` prints the version. What went wrong, and the exit codes, are in the
[runbook](runbook.md). On a terminal, jobs draw progress bars; elsewhere they write one JSON object a line to stderr."""

_CONFIGURATION_HEAD = """\
# Configuration

`churn.toml`, then the environment, which wins: `churn.horizon_days` is also `CHURN_CHURN__HORIZON_DAYS`. Unknown keys
are errors. `churn init` writes a file with every key; the defaults are good to start with. Secrets (URLs,
passwords, keys) are never printed, logged or stored; each may be in a file of its own (`url_file` for `url`)."""

_WAREHOUSE_HEAD = """\
# The warehouse: schema `bi`

The only thing that dashboards and campaigns read. Per-night views show the latest published night, whole: publishing
moves one pointer. What must agree across views is read in one statement or in a `REPEATABLE READ` transaction. Money is
in `business.currency`; shares and probabilities run from 0 to 1. The same texts stand in the database as comments
(`\\d+ bi.customer_scores`). Columns keep their names, types and places from release to release; new ones come last.
How to connect, and ten queries to start with: [bi.md](bi.md)."""

_WRITTEN_BY = "Written by `python -m churn.reference`; a test compares."


def render_commands() -> str:
    """Return `docs/commands.md`."""
    return _page(_COMMANDS_HEAD, itertools.starmap(_command_section, command_paths().items()))


def render_config() -> str:
    """Return `docs/configuration.md`."""
    return _page(_CONFIGURATION_HEAD, _config_sections())


def render_warehouse() -> str:
    """Return `docs/warehouse.md`."""
    return _page(_WAREHOUSE_HEAD, map(_view_section, bi_views()))


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": render_commands,
    "configuration.md": render_config,
    "features.md": render_markdown,
    "warehouse.md": render_warehouse,
}
"""The generated pages, by name within `docs/`."""


def write_pages(folder: Path) -> list[Path]:
    """Write every page into a folder; return the files."""
    files = []
    for name, render in PAGES.items():
        files.append(folder / name)
        files[-1].write_text(render(), encoding="utf-8")
    return files


def _page(head: str, sections: Iterator[str]) -> str:
    return "\n\n".join([head, _WRITTEN_BY, *sections]) + "\n"


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [columns, *rows]
    shown = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join([shown[0], "|" + "---|" * len(columns), *shown[1:]])


# --- commands -----------------------------------------------------------------------------------------------------


def command_paths(group: typer.Typer = app, path: str = "churn") -> dict[str, Callable[..., Any]]:
    """Return every command, as typed, with the function that it runs."""
    found: dict[str, Callable[..., Any]] = {}
    for command in group.registered_commands:
        if command.callback is not None:
            found[f"{path} {command.name or command.callback.__name__}"] = command.callback
    for member in group.registered_groups:
        if member.typer_instance is not None:
            found |= command_paths(member.typer_instance, f"{path} {member.name}")
    return found


def _command_section(path: str, callback: Callable[..., Any]) -> str:
    hints = get_type_hints(callback, include_extras=True)
    rows = [
        _command_row(parameter, *get_args(hints[name]))
        for name, parameter in inspect.signature(callback).parameters.items()
        if get_origin(hints[name]) is Annotated
    ]
    parts = [f"## `{path}`", inspect.getdoc(callback) or ""]
    return "\n\n".join([*parts, _table(("option", "meaning", "default"), rows)] if rows else parts)


def _command_row(parameter: inspect.Parameter, kind: Any, info: Any) -> tuple[str, str, str]:
    kinds = [part for part in get_args(kind) if part is not NoneType] if isinstance(kind, UnionType) else [kind]
    choices = " or ".join(f"`{choice}`" for choice in get_args(kinds[0]))
    required = "required" if parameter.default is inspect.Parameter.empty else ""
    if isinstance(info, ArgumentInfo):
        return choices or f"`{parameter.name.upper()}`", info.help or "", required
    value = "" if kinds[0] is bool else f" {info.metavar or _PLACEHOLDERS.get(kinds[0], 'NAME')}"
    # Within Annotated, Typer keeps the first name where a default would stand elsewhere.
    given = [name for name in (info.default, *(info.param_decls or ())) if isinstance(name, str)]
    names = given or [f"--{parameter.name.replace('_', '-')}"]
    spelled = ", ".join(f"`{name}{value}`" for name in names)
    default = required or ("" if parameter.default in (None, False) else f"`{parameter.default}`")
    return spelled, " ".join(filter(None, [info.help, choices and f"One of {choices}."])), default


_PLACEHOLDERS = {int: "N", Path: "PATH"}


# --- configuration ------------------------------------------------------------------------------------------------


def _config_sections() -> Iterator[str]:
    for section, field in Settings.model_fields.items():
        model = field.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        yield _config_section(section, model)
    entries: dict[str, tuple[str, type[BaseModel]]] = {
        "features.usage": ("One entry per event type that gets features of its own.", UsageFeature),
        "retention.offers": ("One entry per thing that can be done to keep a customer.", Offer),
    }
    for name, (meaning, model) in entries.items():
        yield "\n\n".join([f"## `[[{name}]]`", meaning, _keys(model)])


def _config_section(section: str, model: type[BaseModel]) -> str:
    return "\n\n".join([f"## `[{section}]`", (model.__doc__ or "").strip(), _keys(model)])


def _keys(model: type[BaseModel]) -> str:
    rows = [
        (f"`{key}`", info.description or "", _allowed(info), _shown_default(info))
        for key, info in model.model_fields.items()
    ]
    return _table(("key", "meaning", "allowed", "default"), rows)


def _allowed(info: FieldInfo) -> str:
    if get_origin(info.annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(info.annotation))
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    limits = {
        name: f"{sign} {getattr(rule, name):g}"
        for rule in info.metadata
        for name, sign in signs.items()
        if getattr(rule, name, None) is not None
    }
    return ", ".join(limits[name] for name in signs if name in limits)


def _shown_default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    if info.default_factory is not None or info.default in (None, ()):
        return ""
    return f"`{json.dumps(info.default)}`"


# --- warehouse ----------------------------------------------------------------------------------------------------


def _view_section(view: SqlFile) -> str:
    prefix = "column."
    rows = [
        (f"`{name}`", view.header.get(f"type.{name}", ""), meaning)
        for key, meaning in view.header.items()
        if (name := key.removeprefix(prefix)) != key
    ]
    return "\n\n".join(
        [
            f"## `bi.{view.name}`",
            view.header["comment"],
            f"One row per {view.header['grain']}.",
            _table(("column", "type", "meaning"), rows),
            f"```sql\n{view.header['example']};\n```",
        ]
    )


if __name__ == "__main__":
    for path in write_pages(Path("docs")):
        sys.stdout.write(f"wrote {path}\n")
