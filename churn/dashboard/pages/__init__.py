"""The pages, in the order of the menu; one module each."""

from __future__ import annotations

from churn.dashboard.pages.at_risk import AT_RISK
from churn.dashboard.pages.campaigns import CAMPAIGNS_PAGE
from churn.dashboard.pages.cohorts import COHORTS
from churn.dashboard.pages.customer import CUSTOMER
from churn.dashboard.pages.drivers import DRIVERS
from churn.dashboard.pages.model import MODEL
from churn.dashboard.pages.overview import OVERVIEW
from churn.dashboard.pages.page import Page, Query
from churn.dashboard.pages.runs import RUNS_PAGE
from churn.dashboard.pages.segments import SEGMENTS_PAGE
from churn.dashboard.pages.value_risk import VALUE_RISK

PAGES: tuple[Page, ...] = (
    OVERVIEW,
    SEGMENTS_PAGE,
    AT_RISK,
    DRIVERS,
    VALUE_RISK,
    COHORTS,
    CAMPAIGNS_PAGE,
    MODEL,
    RUNS_PAGE,
    CUSTOMER,
)

__all__ = ["PAGES", "Page", "Query"]
