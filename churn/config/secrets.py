"""Secrets that a file holds: which keys may come from one, how it is read, and who else can read it."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr, ValidationError

from churn.config.basics import Section
from churn.errors import ConfigError

if TYPE_CHECKING:
    from churn.config.sections import Settings

SECRETS: dict[str, tuple[str, ...]] = {
    "source": ("url",),
    "warehouse": ("url",),
    "activation": ("url",),
    "alerts": ("webhook_url", "smtp_password"),
    "forget": ("key",),
    "dashboard": ("token",),
}
"""Keys that hold a secret, by section; `KEY_file` names a file that holds it instead."""

READ_WHERE_NEEDED = {("forget", "key")}
"""Secrets whose file is made by the program itself, and read only by what needs it."""

CONTAINER_SECRETS = Path("/run/secrets")
"""Where Docker and Kubernetes put secrets, readable by all of a container that has one user."""

_MOST_BYTES = 16_384


def without_files(settings: Settings) -> Settings:
    """Return the settings with every secret read from the file that stands for it.

    Raises
    ------
    ConfigError
        A secret and its file are both given; the file can't be read, is empty or holds more than one line, or what
        its key does not allow. What it holds is in no message.
    """
    sections = {}
    for name, keys in SECRETS.items():
        read_now = [key for key in keys if (name, key) not in READ_WHERE_NEEDED]
        files = {key: file for key in read_now if (file := _file(settings, name, key)) is not None}
        if files:
            found = {key: _secret(settings, name, key, file) for key, file in files.items()}
            sections[name] = _with(getattr(settings, name), name, found)
    return settings.model_copy(update=sections)


def _with(section: Section, name: str, found: dict[str, SecretStr]) -> Section:
    """Return a section with its secrets, checked as if they had stood there."""
    given = {key: getattr(section, key) for key in section.model_fields_set}
    try:
        return type(section)(**{**given, **found})
    except ValidationError as error:
        said = "; ".join(problem["msg"].removeprefix("Value error, ") for problem in error.errors(include_input=False))
        raise ConfigError(f"{name}: {said}.") from None


def open_to_others(settings: Settings, config_file: Path | None = None) -> list[Path]:
    """Return the files with secrets that every account of this machine may read; those of a container are its own.

    Parameters
    ----------
    settings : Settings
    config_file : Path, optional
        churn.toml, where there is one: it counts where it holds a secret itself.
    """
    files = [_file(settings, name, key) for name, keys in SECRETS.items() for key in keys]
    if config_file is not None and _holds_secrets(settings):
        files.append(config_file)
    return [
        file
        for file in files
        if file is not None
        and not file.is_relative_to(CONTAINER_SECRETS)
        and file.is_file()
        and file.stat().st_mode & stat.S_IROTH
    ]


def _holds_secrets(settings: Settings) -> bool:
    return any(
        getattr(getattr(settings, name), key) is not None and _file(settings, name, key) is None
        for name, keys in SECRETS.items()
        for key in keys
    )


def _file(settings: Settings, name: str, key: str) -> Path | None:
    path: Path | None = getattr(getattr(settings, name), f"{key}_file")
    return None if path is None else settings.base_dir / path


def _secret(settings: Settings, name: str, key: str, path: Path) -> SecretStr:
    if getattr(getattr(settings, name), key) is not None:
        raise ConfigError(f"{name}.{key} and {name}.{key}_file are both given.", "Leave one of them out.")
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{name}.{key}_file: {path} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{name}.{key}_file: {path} is not text in UTF-8.") from None
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret or "\n" in secret or "\0" in secret:
        raise ConfigError(f"{name}.{key}_file: {path} does not hold the secret on one line, and nothing else.")
    return SecretStr(secret)
