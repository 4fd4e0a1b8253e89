"""What people do with the dashboard, done in a real browser."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from churn.dashboard.pages import PAGES
from tests.e2e.browser.conftest import OpenPage, drawn
from tests.e2e.company import Office

MENU = [page for page in PAGES if page.in_menu]


def customers_of(page: Page) -> list[str]:
    """The customers in the table of the at-risk page, from top to bottom."""
    return page.locator("main table a[href*='customer?id=']").all_inner_texts()


def test_the_menu_leads_to_every_page_and_says_where_one_is(open_page: OpenPage) -> None:
    page = open_page("/")
    for entry in MENU:
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=entry.title, exact=True).click()
        drawn(page)
        expect(page.get_by_role("heading", level=1)).to_have_text(entry.title)
        expect(page.locator("nav[aria-label=Pages] [aria-current=page]")).to_have_text(entry.title)


def test_the_list_is_filtered_sorted_and_followed_to_a_customer(open_page: OpenPage, published: Office) -> None:
    segment = published.value(
        "select segment from bi.at_risk_customers group by segment having count(*) < 50 order by count(*) desc limit 1"
    )
    wanted = published.column("select customer_id from bi.at_risk_customers where segment = :name", name=segment)
    page = open_page("/at-risk")
    page.get_by_label("Segment").select_option(segment)
    page.get_by_role("button", name="Show").click()
    assert sorted(customers_of(page)) == sorted(wanted)
    page.locator("thead a", has_text="CLV if kept").first.click()
    by_value = published.column(
        "select customer_id from bi.at_risk_customers where segment = :name order by clv_if_retained, customer_id",
        name=segment,
    )
    shown = customers_of(page)
    assert shown in (by_value, by_value[::-1])
    page.get_by_role("link", name=shown[0], exact=True).click()
    drawn(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text(shown[0])


def test_the_download_holds_what_was_filtered(open_page: OpenPage, published: Office, tmp_path: Path) -> None:
    page = open_page("/at-risk?campaign_group=treatment")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").first.click()
    download.value.save_as(tmp_path / "list.csv")
    with (tmp_path / "list.csv").open(encoding="utf-8-sig", newline="") as file:
        found = [row["customer_id"] for row in csv.DictReader(file)]
    wanted = published.column("select customer_id from bi.at_risk_customers where campaign_group = 'treatment'")
    assert sorted(found) == sorted(wanted)


def test_the_keyboard_alone_reaches_the_content_and_a_table(open_page: OpenPage) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('details.behind') !== null"):
            break
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('details').open")


@pytest.mark.parametrize(
    "hostile", ["%3Cscript%3Ealert(1)%3C/script%3E", "%22%27%3E%3Cimg%20src=x%20onerror=alert(1)%3E"]
)
def test_a_hostile_id_runs_nothing(open_page: OpenPage, site: str, hostile: str) -> None:
    page = open_page("/")
    said: list[str] = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    answer = page.request.get(f"{site}/customer?id={hostile}")
    assert answer.status == 404
    assert "<script>alert" not in answer.text()
    assert "<img src=x" not in answer.text()
    page.set_content(answer.text())
    assert said == []
