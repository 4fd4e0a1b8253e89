"""`churn.toml` and the environment: every key, its unit, its default."""

from __future__ import annotations

from churn.config.crontab import cron_trigger
from churn.config.loading import CONFIG_FILE, load_settings
from churn.config.retention import HOLD_OUT, Condition, Offer, RetentionSection
from churn.config.sections import ExtractSection, ReservedSection, RolesSection, Settings, UsageFeature

__all__ = [
    "CONFIG_FILE",
    "HOLD_OUT",
    "Condition",
    "ExtractSection",
    "Offer",
    "ReservedSection",
    "RetentionSection",
    "RolesSection",
    "Settings",
    "UsageFeature",
    "cron_trigger",
    "load_settings",
]
