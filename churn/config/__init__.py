"""`churn.toml` and the environment: every key, its unit, its default."""

from __future__ import annotations

from churn.config.crontab import JOBS, cron_trigger, next_runs, triggers
from churn.config.loading import CONFIG_FILE, load_settings
from churn.config.retention import HOLD_OUT, Condition, Offer, RetentionSection
from churn.config.sections import ExtractSection, RolesSection, Settings, UsageFeature

__all__ = [
    "CONFIG_FILE",
    "HOLD_OUT",
    "JOBS",
    "Condition",
    "ExtractSection",
    "Offer",
    "RetentionSection",
    "RolesSection",
    "Settings",
    "UsageFeature",
    "cron_trigger",
    "load_settings",
    "next_runs",
    "triggers",
]
