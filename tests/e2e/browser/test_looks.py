"""Every page in a real browser: it draws, fits the screen, and can be used by everybody; pictures stay in build/."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from churn.dashboard.pages import PAGES
from tests.e2e.browser.conftest import OpenPage, picture
from tests.e2e.company import Office

NAMES = [page.name for page in PAGES if page.in_menu]
SIZES = {"wide": 1280, "narrow": 390}
_SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def paths(published: Office) -> dict[str, str]:
    """The address of each page, by name; of a customer who is on the list."""
    listed = published.value("select customer_id from bi.at_risk_customers order by priority_rank limit 1")
    return {name: f"/{name}" for name in NAMES} | {"overview": "/", "customer": f"/customer?id={listed}"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [*NAMES, "customer"])
def test_a_page_draws_its_charts_fits_the_screen_and_has_no_barrier(
    open_page: OpenPage, paths: dict[str, str], name: str, size: str, scheme: str
) -> None:
    page = open_page(paths[name], width=SIZES[size], scheme=scheme)
    picture(page, f"{name}_{size}_{scheme}")
    charts = page.locator(".chart")
    assert page.locator(".chart .main-svg").count() >= charts.count()
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size], "the page is wider than the screen"
    found = Axe().run(page).response["violations"]
    serious = {barrier["id"]: barrier["nodes"][0]["html"][:200] for barrier in found if barrier["impact"] in _SERIOUS}
    assert serious == {}


def test_a_chart_takes_the_colours_of_the_theme(open_page: OpenPage) -> None:
    colours = {
        scheme: open_page("/", scheme=scheme)
        .locator(".chart .js-line")
        .first.evaluate("e => getComputedStyle(e).stroke")
        for scheme in ("light", "dark")
    }
    assert colours["light"] != colours["dark"]


def test_without_a_script_every_figure_is_there(open_page: OpenPage, paths: dict[str, str]) -> None:
    for name, path in paths.items():
        page = open_page(path, java_script_enabled=False)
        behind = page.locator("details.behind")
        for place in range(behind.count()):
            behind.nth(place).locator("summary").first.click()
            assert behind.nth(place).locator("td, .empty").first.is_visible(), name
        room = "xpath=(//*[@class='chart']/ancestor::*[self::figure or self::section][last()])[not(.//table)]"
        assert page.locator(room).count() == 0, f"a chart of {name} has no table"
