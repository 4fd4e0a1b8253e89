"""`churn init`: a commented churn.toml and the mapping templates, as a user starts from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from churn.config import CONFIG_FILE, Settings
from churn.errors import ConfigError
from churn.sqlfiles import resource_folder

SOURCE_FOLDER = "source"

_EXAMPLES = {
    "source.url": '"postgresql://reader:password@db.example.com:5432/shop"',
    "warehouse.url": '"postgresql://churn:password@db.example.com:5432/warehouse"',
    "source.timezone": '"Europe/Paris"',
    "source.sql_dir": '"source"',
    "activation.url": '"postgresql://crm:password@db.example.com:5432/crm"',
}
_TABLES = {
    "features.usage": '[[features.usage]]\nname = "logins"\nevent_type = "login"\nmeasure = "count"',
    "retention.offers": '[[retention.offers]]\nname = "call"\ncost = 12.0\nsave_rate = 0.15\n'
    'when = { value_tier = ["high"], plan = ["business"] }\ncapacity = 50',
}
_TAKEN_TO_BE = "Keys with a # in front stand at their defaults."


def write_templates(folder: Path, *, force: bool) -> list[Path]:
    """Write churn.toml and source/<entity>.sql.

    Raises
    ------
    ConfigError
        A file is there already and `force` is off, or the folder can't be written to.
    """
    files = {folder / CONFIG_FILE: render_config({})}
    for template in sorted((resource_folder("sql") / "source").glob("*.sql")):
        files[folder / SOURCE_FOLDER / template.name] = template.read_text(encoding="utf-8")
    there = [str(path) for path in files if path.exists()]
    if there and not force:
        raise ConfigError(f"These files are there already: {', '.join(there)}.", "Add --force to overwrite them.")
    write_files(files)
    return list(files)


def write_files(files: dict[Path, str]) -> None:
    """Write text files, making their folders; churn.toml may come to hold a password, so only its owner reads it."""
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            if path.name == CONFIG_FILE:
                path.chmod(0o600)
    except OSError as error:
        raise ConfigError(f"{error.filename} can't be written: {error.strerror}.", "Choose another folder.") from None


def render_config(values: dict[str, Any], *, head: str = "") -> str:
    """Return a churn.toml with every key, its meaning and its default.

    Parameters
    ----------
    values : dict from `section.key` to a TOML-able value
        Keys to set; the others stay commented out.
    head : str
        First comment line.
    """
    lines = [f"# {head}" if head else "# Configuration of churn.", f"# {_TAKEN_TO_BE}"]
    lines.append("# Any key can come from the environment instead: CHURN_SOURCE__URL, CHURN_CHURN__HORIZON_DAYS, …")
    tables: list[str] = []
    for section, field in Settings.model_fields.items():
        model = field.annotation
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        lines += ["", f"# {(model.__doc__ or '').strip()}", f"[{section}]"]
        for key, info in model.model_fields.items():
            name = f"{section}.{key}"
            if name in _TABLES:
                tables += _table(name, values.get(name))
                continue
            lines.append(f"# {info.description}")
            lines.append(_line(name, key, info.default, values))
    return "\n".join([*lines, *tables]) + "\n"


def _line(name: str, key: str, default: Any, values: dict[str, Any]) -> str:
    if name in values:
        return f"{key} = {json.dumps(values[name])}"
    shown = _EXAMPLES.get(name, "…" if default in (None, PydanticUndefined) else json.dumps(default))
    return f"# {key} = {shown}"


def _table(name: str, entries: list[dict[str, Any]] | None) -> list[str]:
    if not entries:
        return ["", *(f"# {line}" for line in _TABLES[name].split("\n"))]
    lines = []
    for entry in entries:
        lines += ["", f"[[{name}]]", *(f"{key} = {_toml(value)}" for key, value in entry.items())]
    return lines


def _toml(value: Any) -> str:
    """Write a value as TOML does: JSON but for tables."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)
