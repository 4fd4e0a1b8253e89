"""The report and the profile as files: opened without a network, narrow and dark, and on paper."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from churn.connections import open_source
from churn.profiling import page_of, profile
from churn.reporting import write_report, written
from tests.e2e.company import AS_OF, Office, night_of

AT = night_of(AS_OF) + timedelta(hours=1)


@pytest.fixture(scope="module")
def pages(published: Office, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, settings = tmp_path_factory.mktemp("alone"), published.settings
    write_report(settings, None, folder / "report.html", at=AT)
    published.tell(AT)
    found = profile(open_source(settings), settings, AT, AS_OF, 120)
    written(page_of(found, settings, AT), folder / "profile.html")
    return {name: folder / f"{name}.html" for name in ("report", "profile")}


@pytest.mark.parametrize("name", ["report", "profile"])
def test_it_opens_alone_and_prints(browser: Browser, pages: dict[str, Path], name: str, tmp_path: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, color_scheme="dark", offline=True)
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(pages[name].as_uri())
    page.wait_for_function("document.documentElement.dataset.drawn === 'true'", timeout=60_000)
    charts = page.locator(".chart")
    assert page.locator(".chart .main-svg").count() >= charts.count() > 5
    assert (asked, said) == ([pages[name].as_uri()], [])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    printed = tmp_path / "printed.pdf"
    page.pdf(path=printed, prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes())) >= 5
    context.close()
