"""The edge that the commands share: the clock, the common options, the configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from churn.config import Settings, load_settings
from churn.errors import UsageError
from churn.windows import business_today

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass
class Globals:
    """Options that every command takes, wherever they stand on the line."""

    config: Path | None = None
    debug: bool = False


options = Globals()


def clock() -> datetime:
    """Return the current UTC time; nothing below the edge reads it."""
    return datetime.now(UTC)


def configured() -> Settings:
    """Return the configuration that the command line names."""
    return load_settings(options.config)


def parsed_date(text: str | None, settings: Settings) -> date:
    """Return the date that an option gives, by default today's business date."""
    if text is None:
        return business_today(clock(), settings.business.timezone)
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a date.", "Write it as 2026-11-21.") from None
