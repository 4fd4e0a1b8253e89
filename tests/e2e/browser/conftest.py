"""The dashboard of a small company, served as `churn serve` does, and a real browser to look at it with."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.company import Office

SCREENSHOTS = Path(__file__).resolve().parents[3] / "build" / "screenshots"
_CANDIDATES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_NO_BROWSER = (
    "no browser: install Chromium (Debian and Ubuntu: `apt-get install chromium`), or name one: CHURN_TEST_BROWSER"
)
# In a sandbox that is root's, and with nothing asked of hosts that nobody answers for.
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
_PATIENCE_SECONDS = 60

OpenPage = Callable[..., Page]
Scheme = Literal["light", "dark"]


def found_browser() -> str | None:
    """The browser that the environment names, or the first there is."""
    named = os.environ.get("CHURN_TEST_BROWSER")
    return named or next((found for name in _CANDIDATES if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = found_browser()
    if executable is None:
        pytest.skip(_NO_BROWSER)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=list(_ARGUMENTS))
        yield started
        started.close()


@contextmanager
def served(office: Office) -> Iterator[str]:
    """Serve an office's dashboard on a free port; give the address without its last slash."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = office.folder / "serve.log"
    with log.open("w") as out:
        command = [sys.executable, "-m", "churn", "serve", "--port", str(port), "--config", str(office.config)]
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(port, process, log)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE_SECONDS)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        try:
            with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", "/healthz")
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"The dashboard did not come up: {log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def site(published: Office, browser: Browser) -> Iterator[str]:
    """The address of the company's dashboard, two nights published."""
    with served(published) as address:
        yield address


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[OpenPage]:
    """Opens pages of the site, each in a browser of its own; what the browser complains of fails the test."""
    complaints: list[str] = []
    contexts = []

    def open_(path: str = "/", *, width: int = 1280, scheme: Scheme = "light", **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request", lambda asked: None if asked.url.startswith((site, "data:")) else complaints.append(asked.url)
        )
        page.goto(f"{site}{path}")
        if options.get("java_script_enabled", True):
            drawn(page)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def drawn(page: Page) -> None:
    """Wait until the charts of a page, if it has any, are drawn."""
    if page.locator(".chart").count():
        page.wait_for_function("document.documentElement.dataset.drawn === 'true'")


def picture(page: Page, name: str) -> None:
    """Keep a picture of a whole page."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
