"""Reading `churn.toml` and the environment, once; unknown keys are errors."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from churn.config.secrets import without_files
from churn.config.sections import ENV_PREFIX, Settings
from churn.errors import ConfigError

CONFIG_FILE = "churn.toml"


def load_settings(path: Path | None = None, *, folder: Path | None = None) -> Settings:
    """Read churn.toml and the environment.

    Parameters
    ----------
    path : Path, optional
        The file (`--config`). Without it, `churn.toml` in `folder` if there is one, else defaults and environment.
    folder : Path, optional
        Default: the current folder.

    Raises
    ------
    ConfigError
        No such file, or none here and no database in the environment; not TOML, an unknown key, a value that its key
        does not allow, or the file of a secret can't be read. Values are not repeated in the message, since they may
        be secrets.
    """
    file = path if path is not None else (folder or Path.cwd()) / CONFIG_FILE
    if path is not None and not file.is_file():
        raise ConfigError(f"There is no configuration file {file}.", "Write one with `churn init`.")
    values = _read_toml(file) if file.is_file() else {}
    _refuse_unknown_environment(os.environ)
    if _holds_null(values):
        raise ConfigError(f"{file.name}: a text holds the character U+0000.", "Leave it out.")
    if "base_dir" in values:
        raise ConfigError(f"{file.name}: base_dir: unknown key.")
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise ConfigError(_explain(error, file), "See `churn init` for every key.") from None
    except ValueError:
        raise ConfigError("An environment variable CHURN_… can't be read as a value of its key.") from None
    settings = without_files(settings.model_copy(update={"base_dir": file.parent.resolve()}))
    if not file.is_file():
        _refuse_nowhere(settings)
    return settings


def _refuse_nowhere(settings: Settings) -> None:
    """Refuse a folder that nobody has made ours: an empty warehouse would be started there unasked."""
    is_told = settings.source.url is not None or settings.warehouse.url is not None
    if not is_told and not settings.home.exists():
        raise ConfigError(
            f"There is no {CONFIG_FILE} in {settings.base_dir}.",
            "Go to your folder, give --config, or run `churn init`.",
        )


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML: {error}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} can't be read: {error}.") from None


def _holds_null(value: Any) -> bool:
    """Whether a text in a value of TOML holds the one character that Postgres has no place for."""
    if isinstance(value, dict):
        return any(_holds_null(part) for part in (*value, *value.values()))
    if isinstance(value, list):
        return any(_holds_null(part) for part in value)
    return isinstance(value, str) and "\0" in value


def _refuse_unknown_environment(environment: Mapping[str, str]) -> None:
    for name in environment:
        section, delimiter, _ = name.removeprefix(ENV_PREFIX).partition("__")
        if name.startswith(ENV_PREFIX) and delimiter and section.lower() not in Settings.model_fields:
            raise ConfigError(f"The environment variable {name} names no section of the configuration.")


def _explain(error: ValidationError, file: Path) -> str:
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            lines.append(f"{key}: unknown key{_suggestion(problem['loc'])}")
        else:
            lines.append(f"{key}: {problem['msg'].removeprefix('Value error, ')}")
    text = "; ".join(lines)
    return f"{file.name}: {text}" + ("" if text.endswith("?") else ".")


def _suggestion(location: tuple[int | str, ...]) -> str:
    known: Mapping[str, Any] = Settings.model_fields
    for part in location[:-1]:
        section = known.get(str(part))
        model = getattr(section, "annotation", None)
        known = getattr(model, "model_fields", {})
    near = difflib.get_close_matches(str(location[-1]), list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""
