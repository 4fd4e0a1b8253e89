"""Every key of the configuration: its meaning, its unit, its default."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from churn.config.basics import Cron, Identifier, PositiveInt, Section, Share, Zone
from churn.config.dashboard import DashboardSection
from churn.config.databases import DatabaseSection
from churn.config.operations import AlertsSection, ForgetSection, KeepSection, QualitySection, RetrySection
from churn.config.report import ReportSection
from churn.config.retention import ActivationSection, RetentionSection
from churn.config.secrets import SECRETS

HOME_FOLDER = ".churn"
ENV_PREFIX = "CHURN_"
LOOKING = ("dashboard", "report")
"""Sections about how results are looked at: no job's input."""


class SourceSection(DatabaseSection):
    """Where the company's data is."""

    url: SecretStr | None = Field(None, description="URL of the company's Postgres; read only.")
    timezone: Zone | None = Field(None, description="Zone of timestamps without one; default `business.timezone`.")
    sql_dir: Path | None = Field(
        None, description="Folder of the mapping SELECTs; default `source/` beside churn.toml."
    )
    statement_timeout_seconds: PositiveInt = Field(
        7200, description="Longest that one statement may take in the source, in seconds."
    )
    lock_timeout_seconds: PositiveInt = Field(60, description="Longest wait for a lock in the source, in seconds.")
    idle_timeout_seconds: PositiveInt = Field(
        3600, description="Longest that a transaction in the source may stand idle, in seconds."
    )


class WarehouseSection(DatabaseSection):
    """Where results go."""

    url: SecretStr | None = Field(
        None, description="URL of the warehouse; without it, the embedded Postgres in `.churn/`."
    )


class BusinessSection(Section):
    """The business's calendar and money."""

    timezone: Zone = Field("UTC", description="Zone in which the business's days begin and end.")
    currency: str = Field("USD", pattern="^[A-Z]{3}$", description="ISO 4217 code of every amount.")


class ChurnSection(Section):
    """What leaving means."""

    definition: Literal["contractual", "inactivity"] = Field(
        "contractual",
        description="`contractual`: paid coverage ends; `inactivity`: no purchase in the horizon.",
    )
    horizon_days: PositiveInt = Field(30, le=366, description="Length of the label window in days.")
    grace_days: Annotated[int, Field(ge=0, le=180)] = Field(
        14, description="Days within which a customer who resumes has not churned (contractual)."
    )
    inactivity_days: PositiveInt = Field(
        90, le=1096, description="A customer counts as active with a purchase in this many days (inactivity)."
    )


class ExtractSection(Section):
    """How the source is read."""

    late_days: Annotated[int, Field(ge=0, le=366)] = Field(
        7, description="Whole days of usage that are read again each night, for late events."
    )
    max_quarantined_share: Share = Field(
        0.05, description="Largest share of an entity's rows that may be unusable before the run fails."
    )
    max_deleted_share: Share = Field(
        0.3, description="Largest share of an entity's rows that may vanish from the source before the run fails."
    )
    full_compare_days: PositiveInt = Field(
        7, description="Days after which an entity that is read by `updated_at` is compared whole again."
    )


class UsageFeature(Section):
    """One entry of the usage catalogue: an event type that gets features of its own."""

    name: Identifier = Field(description="Name within feature names: `usage_NAME_28d`.")
    event_type: str = Field(min_length=1, description="Event type in the source.")
    measure: Literal["count", "sum", "active_days"] = Field(
        "count", description="Events, their quantity summed, or days with at least one."
    )


class FeaturesSection(Section):
    """Which features there are beyond the fixed ones."""

    usage: tuple[UsageFeature, ...] = Field((), description="`[[features.usage]]` entries.")


class ClvSection(Section):
    """How customer lifetime value is reckoned."""

    horizon_months: PositiveInt = Field(24, le=120, description="Months of future margin that count.")
    annual_discount_rate: Annotated[float, Field(ge=0, le=1)] = Field(0.10, description="Discount rate a year.")
    gross_margin: Annotated[float, Field(gt=0, le=1)] = Field(0.8, description="Margin as a share of revenue.")
    method: Literal["model", "own_rate", "segment_average"] = Field(
        "model",
        description="What CLV is taken from: the model, or a naive baseline where the backtest says that it is better.",
    )
    refit_days: PositiveInt = Field(
        45, le=366, description="Age in days at which a night fits the CLV model anew, where no training has."
    )
    high_value_share: Share = Field(0.2, description="Share of customers in the value tier `high`, by CLV.")
    medium_value_share: Share = Field(0.3, description="Share of customers in the value tier `medium`, below those.")


class SegmentsSection(Section):
    """How customers are grouped."""

    fewest: Annotated[int, Field(ge=2, le=20)] = Field(3, description="Fewest segments to look for.")
    most: Annotated[int, Field(ge=2, le=20)] = Field(10, description="Most segments to look for.")
    refit_days: PositiveInt = Field(
        30, le=366, description="Age in days at which the segments are fitted anew; customers are assigned every night."
    )
    psi_refit: Annotated[float, Field(gt=0)] = Field(
        0.25, description="Population stability index of the segments' shares from which they are fitted anew at once."
    )

    @model_validator(mode="after")
    def _fewest_not_above_most(self) -> SegmentsSection:
        if self.fewest > self.most:
            raise ValueError(
                f"fewest is {self.fewest} and most is {self.most}: no number of segments is between them; "
                "raise segments.most or lower segments.fewest"
            )
        return self


class ScheduleSection(Section):
    """When `churn scheduler` runs what, as cron expressions in `business.timezone`."""

    nightly: Cron = Field("15 3 * * *", description="The nightly job.")
    train: Cron = Field("0 5 2 * *", description="Training; monthly.")
    misfire_grace_seconds: PositiveInt = Field(
        6 * 3600, description="How late a missed start may still be made up for, in seconds."
    )
    catch_up_nights: Annotated[int, Field(ge=0, le=366)] = Field(
        7, description="Most missed nights that are made up for, oldest first, before tonight's."
    )
    stop_grace_seconds: PositiveInt = Field(
        60, le=3600, description="How long a job at work may go on when the scheduler is told to stop, in seconds."
    )
    port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        None, description="Port of `/healthz` and `/metrics` (Prometheus); without it only the health file is written."
    )
    address: str = Field("127.0.0.1", description="Address that this port is opened on.")


class TrainSection(Section):
    """How the churn model is trained."""

    snapshots: PositiveInt = Field(36, le=60, description="Most month-end snapshots to train and test on.")
    max_rows: PositiveInt = Field(500_000, description="Most customer-months; customers are sampled evenly above it.")
    min_churners: PositiveInt = Field(50, description="Fewest churners to train on.")
    seed: int = Field(7, description="Seed of everything drawn in training.")
    threads: PositiveInt = Field(2, description="Months fitted at the same time, each on one core; changes no result.")
    promotion_confidence: Annotated[float, Field(ge=0.5, lt=1)] = Field(
        0.9, description="How sure it must be that a new model is better than the one in use before it takes over."
    )


class ReasonsSection(Section):
    """Why a customer may leave, in words."""

    max_rows: PositiveInt = Field(
        20_000, description="Most customers explained a night: the list first, then the riskiest."
    )


class MonitoringSection(Section):
    """When a night no longer looks like what the model learned from."""

    psi_warn: Annotated[float, Field(gt=0)] = Field(
        0.2, description="Population stability index from which a feature or the score is shown as `warn`."
    )
    psi_fail: Annotated[float, Field(gt=0)] = Field(
        1.0,
        description="The same for `fail`; where the score has jumped that far from earlier nights too, nothing is "
        "published.",
    )


class RolesSection(Section):
    """Database roles of the warehouse."""

    manage: bool = Field(
        True, description="Create roles on `churn migrate`; false prints the SQL for an administrator."
    )
    churn_job: Identifier = Field("churn_job", description="Role that owns and writes the warehouse.")
    bi_reader: Identifier = Field("bi_reader", description="Role that may read all of schema `bi`.")
    marketing_reader: Identifier = Field("marketing_reader", description="Role that may read the list views.")


class Settings(BaseSettings):
    """Everything that can be configured. Load with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, toml_file=None
    )

    source: SourceSection = Field(default_factory=SourceSection)
    warehouse: WarehouseSection = Field(default_factory=WarehouseSection)
    business: BusinessSection = Field(default_factory=BusinessSection)
    churn: ChurnSection = Field(default_factory=ChurnSection)
    extract: ExtractSection = Field(default_factory=ExtractSection)
    features: FeaturesSection = Field(default_factory=FeaturesSection)
    clv: ClvSection = Field(default_factory=ClvSection)
    segments: SegmentsSection = Field(default_factory=SegmentsSection)
    retention: RetentionSection = Field(default_factory=RetentionSection)
    activation: ActivationSection = Field(default_factory=ActivationSection)
    schedule: ScheduleSection = Field(default_factory=ScheduleSection)
    train: TrainSection = Field(default_factory=TrainSection)
    reasons: ReasonsSection = Field(default_factory=ReasonsSection)
    monitoring: MonitoringSection = Field(default_factory=MonitoringSection)
    roles: RolesSection = Field(default_factory=RolesSection)
    retry: RetrySection = Field(default_factory=RetrySection)
    keep: KeepSection = Field(default_factory=KeepSection)
    alerts: AlertsSection = Field(default_factory=AlertsSection)
    forget: ForgetSection = Field(default_factory=ForgetSection)
    quality: QualitySection = Field(default_factory=QualitySection)
    dashboard: DashboardSection = Field(default_factory=DashboardSection)
    report: ReportSection = Field(default_factory=ReportSection)

    base_dir: Path = Field(default_factory=Path.cwd, exclude=True, init=False)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file before defaults."""
        return env_settings, init_settings

    @property
    def home(self) -> Path:
        """Folder of the embedded Postgres and of everything else this installation keeps on disk."""
        return self.base_dir / HOME_FOLDER

    @property
    def sql_dir(self) -> Path:
        """Folder of the mapping SELECTs."""
        folder = self.source.sql_dir or Path("source")
        return folder if folder.is_absolute() else self.base_dir / folder

    @property
    def source_timezone(self) -> str:
        """Zone of source timestamps that carry none."""
        return self.source.timezone or self.business.timezone

    @property
    def grace_days(self) -> int:
        """Days added to the horizon before a label is final; inactivity has no grace."""
        return self.churn.grace_days if self.churn.definition == "contractual" else 0

    def digest(self) -> str:
        """SHA-256 of all that a night depends on: alike in two runs that were configured alike.

        Secrets and their files are left out, and so is what is only about looking at what was published.
        """
        secret: dict[str, set[str] | bool] = {
            name: {*keys, *(f"{key}_file" for key in keys)} for name, keys in SECRETS.items()
        }
        dumped = self.model_dump_json(exclude=secret | dict.fromkeys(LOOKING, True))
        return hashlib.sha256(dumped.encode()).hexdigest()
