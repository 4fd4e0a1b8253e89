"""The behaviour and value that segments are made of, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Theme = Literal["value", "engagement", "direction", "tenure", "support", "payment"]


LEADING_THEMES: tuple[Theme, ...] = ("value", "engagement", "direction")
"""Segments are named by these, so these decide."""

MINOR_WEIGHT = 0.5
"""Weight of every other theme: a rare event, such as a ticket, shall not split each group in two."""


@dataclass(frozen=True)
class FeatureRole:
    """What a feature says about a customer.

    Attributes
    ----------
    name : str
        The feature.
    theme : str
        What it is evidence of. A theme weighs the same in the clustering however many features it has.
    missing : {"zero", "median", "largest"}
        What stands for a missing value: `zero` where null means none of it (no use, no tickets, no change),
        `median` where null means unknown, `largest` where null means longer ago than we look.
    logarithmic : bool
        Whether it is skewed enough to be taken as sign(x) * ln(1 + |x|).
    sign : {1, -1}
        -1 where less of it means more of the theme (days since).
    label : str
        Its name for a marketer.
    more, less : str
        What customers with much or little of it are called.
    """

    name: str
    theme: Theme
    missing: Literal["zero", "median", "largest"]
    logarithmic: bool
    sign: Literal[1, -1]
    label: str
    more: str
    less: str


ROLES = (
    FeatureRole("mrr", "value", "zero", True, 1, "monthly revenue", "large contracts", "small contracts"),
    FeatureRole("monetary_value", "value", "median", True, 1, "value of a purchase",
                "large orders", "small orders"),
    FeatureRole("spend_365d", "value", "zero", True, 1, "spend in a year", "big spenders", "small spenders"),
    FeatureRole("days_since_last_usage", "engagement", "largest", True, -1, "days since last use",
                "long unused", "used lately"),
    FeatureRole("days_since_last_purchase", "engagement", "largest", True, -1, "days since last purchase",
                "long since a purchase", "bought lately"),
    FeatureRole("frequency", "engagement", "zero", True, 1, "repeat purchases",
                "frequent buyers", "rare buyers"),
    FeatureRole("events_28d", "engagement", "zero", True, 1, "uses in 28 days", "heavy use", "light use"),
    FeatureRole("active_days_28d", "engagement", "zero", False, 1, "active days of 28",
                "daily use", "occasional use"),
    FeatureRole("event_types_28d", "engagement", "zero", False, 1, "kinds of use in 28 days",
                "broad use", "narrow use"),
    FeatureRole("events_trend_28d", "direction", "zero", False, 1, "trend of use (-1 to 1)",
                "rising use", "falling use"),
    FeatureRole("tenure_days", "tenure", "median", True, 1, "days as a customer", "long-standing", "new"),
    FeatureRole("tickets_90d", "support", "zero", True, 1, "support tickets in 90 days",
                "many tickets", "few tickets"),
    FeatureRole("failed_share_90d", "payment", "zero", False, 1, "share of payments failed in 90 days",
                "failing payments", "payments in order"),
)  # fmt: skip

ROLE_OF = {role.name: role for role in ROLES}
