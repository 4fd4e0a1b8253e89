"""`churn.toml` and the environment: every key, its unit, its default."""

from __future__ import annotations

from churn.config.loading import CONFIG_FILE, load_settings
from churn.config.sections import ReservedSection, RolesSection, Settings, UsageFeature

__all__ = ["CONFIG_FILE", "ReservedSection", "RolesSection", "Settings", "UsageFeature", "load_settings"]
