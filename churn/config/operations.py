"""Sections about running unattended: retries, data kept, alerts, forgetting, quality."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from churn.config.addresses import is_this_machine, mail_trouble, webhook_trouble
from churn.config.basics import PositiveInt, Section


class RetrySection(Section):
    """What is done when a database breaks off in the middle of a job."""

    attempts: Annotated[int, Field(ge=1, le=20)] = Field(
        4, description="Times that a stage is tried when a database is cut off or busy; 1 never tries again."
    )
    first_pause_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        2.0, description="Pause before the second try; it doubles from try to try, with up to as much again at random."
    )
    longest_pause_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(60.0, description="Longest such pause.")


class KeepSection(Section):
    """How long what runs write is kept; older months are dropped at the end of a night."""

    nights_days: Annotated[int, Field(ge=62)] = Field(
        800, description="Days for which the scores, lists and figures of published nights are kept."
    )
    snapshots_days: Annotated[int, Field(ge=93)] = Field(
        1_900, description="Days for which feature snapshots are kept; training reads them."
    )
    runs_days: Annotated[int, Field(ge=31)] = Field(
        800, description="Days for which the ledger of runs, checks, quarantine and alerts is kept."
    )
    models_days: Annotated[int, Field(ge=93)] = Field(
        800, description="Days for which retired models that no kept night shows are kept."
    )


class AlertsSection(Section):
    """Who is told when a night fails, when something looks wrong, and when it is well again."""

    webhook_url: SecretStr | None = Field(
        None, description="Where a JSON message is posted, such as Slack's incoming webhook."
    )
    webhook_url_file: Path | None = Field(None, description="File that holds that URL, instead of `webhook_url`.")
    smtp_host: str | None = Field(None, min_length=1, description="Mail server; without it no mail is sent.")
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = Field(587, description="Port of the mail server.")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection to the mail server is encrypted."
    )
    smtp_user: str | None = Field(None, description="Login at the mail server, where it asks for one.")
    smtp_password: SecretStr | None = Field(None, description="Password of that login.")
    smtp_password_file: Path | None = Field(None, description="File that holds it, instead of `smtp_password`.")
    mail_from: str | None = Field(None, description="Sender of the mails.")
    mail_to: tuple[str, ...] = Field((), description="Receivers of the mails.")
    timeout_seconds: PositiveInt = Field(10, le=120, description="How long a server may take to answer.")

    @model_validator(mode="after")
    def _can_be_told(self) -> AlertsSection:
        trouble = webhook_trouble(self.webhook_url.get_secret_value()) if self.webhook_url is not None else ""
        if self.smtp_host is not None:
            trouble = trouble or mail_trouble(self.mail_from or "", self.mail_to)
        if self.smtp_user is not None and self.smtp_tls == "none" and not is_this_machine(self.smtp_host or ""):
            trouble = trouble or "alerts.smtp_tls = 'none' would send the password unencrypted; use starttls or tls"
        if trouble:
            raise ValueError(trouble)
        return self


class ForgetSection(Section):
    """The key by which a forgotten customer is recognised; it stays outside the warehouse."""

    key: SecretStr | None = Field(
        None, description="Key, at least 32 characters; without it, a file `forget.key` is made in `.churn/`."
    )
    key_file: Path | None = Field(None, description="File that holds the key, readable by its owner alone.")


class QualitySection(Section):
    """When a table no longer looks like itself."""

    volume_warn: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.2,
        description="How much smaller, as a share, a table may be than the median of its last 28 nights, or that "
        "median than the table, before it is shown.",
    )
    volume_fail: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5,
        description="The same for a night that is not published then, of customers and subscriptions; 1 publishes "
        "whatever comes, even nothing.",
    )
    stale_days: PositiveInt = Field(
        3, description="Days without a new row of a table that grows daily before it is shown."
    )
    null_share_warn: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="How far the share of nulls of a column may rise above that median before it is shown."
    )
