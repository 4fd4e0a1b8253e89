"""`churn serve`: the dashboard."""

from __future__ import annotations

import importlib.util
import sys
from typing import Annotated

import typer
from pydantic import ValidationError

from churn.config import Settings
from churn.config.dashboard import DashboardSection
from churn.edge import clock, configured
from churn.errors import UsageError

_NEEDED = ("babel", "flask", "jinja2", "limits", "plotly", "waitress")


def serve(
    address: Annotated[
        str | None, typer.Option("--address", metavar="A", help="Address to listen on; default dashboard.address.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="Port to listen on; default dashboard.port.")
    ] = None,
) -> None:
    """Show the published nights as pages and as an API, until stopped; reads as roles.bi_reader and writes nothing."""
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        raise UsageError("The dashboard is not installed.", "Install it with `pip install 'churn[dashboard]'`.")
    from churn.dashboard.web.serving import serve as serve_pages

    settings = _listening_on(configured(), address, port)
    serve_pages(settings, clock, sys.stderr, _ready)


def _ready(url: str) -> None:
    typer.echo(f"The dashboard is at {url} (Ctrl-C stops it).")
    sys.stdout.flush()


def _listening_on(settings: Settings, address: str | None, port: int | None) -> Settings:
    """Return the settings with what the command line says."""
    said = {name: value for name, value in {"address": address, "port": port}.items() if value is not None}
    section = settings.dashboard
    try:
        told = DashboardSection(**{name: getattr(section, name) for name in section.model_fields_set} | said)
    except ValidationError:
        raise UsageError(f"{address!r} is no address to listen on.", "Write it as 127.0.0.1, ::1 or 0.0.0.0.") from None
    return settings.model_copy(update={"dashboard": told})
