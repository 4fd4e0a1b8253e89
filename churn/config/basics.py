"""What the sections of the configuration share: kinds of values, and the rule that unknown keys are refused."""

from __future__ import annotations

import difflib
import re
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from churn.config.crontab import cron_trigger


def _zone(name: str) -> str:
    if name not in available_timezones():
        near = difflib.get_close_matches(name, sorted(available_timezones()), 1)
        raise ValueError(f"no such time zone{f'; did you mean {near[0]}?' if near else ''}")
    return name


def _cron(expression: str) -> str:
    cron_trigger(expression, "UTC")
    return expression


def _identifier(name: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,40}", name):
        raise ValueError("use lower-case letters, digits and underscores, at most 41, not starting with a digit")
    return name


Zone = Annotated[str, AfterValidator(_zone)]
Cron = Annotated[str, AfterValidator(_cron)]
Identifier = Annotated[str, AfterValidator(_identifier)]
Share = Annotated[float, Field(ge=0, le=1)]
PositiveInt = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """A `[section]` of churn.toml: unknown keys are refused, values can't change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
