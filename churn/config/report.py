"""Section about the report that a night writes and mails."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from churn.config.basics import PositiveInt, Section


class ReportSection(Section):
    """The published night as one file, for people who would rather read than click."""

    folder: Path | None = Field(
        None,
        description="Folder into which each published night writes `report_DATE.html`, beside churn.toml unless it is "
        "absolute; without it none is written.",
    )
    keep: PositiveInt = Field(30, description="Reports that are kept in that folder; older ones are deleted.")
    mail: bool = Field(
        False, description="Mail the report of each night to `alerts.mail_to`, by the mail server of `[alerts]`."
    )
    customers: Annotated[int, Field(ge=1, le=1000)] = Field(
        50, description="How many of the at-risk list the report shows, from the top."
    )
