"""Months of a few customers."""

from __future__ import annotations

import pytest

from tests.sql.kpis.company_months import Months
from tests.sql.staging_tables import Staging


@pytest.fixture
def months(staging: Staging) -> Months:
    return Months(staging)
