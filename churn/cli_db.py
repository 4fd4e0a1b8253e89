"""`churn db`: the embedded Postgres."""

from __future__ import annotations

import subprocess
from typing import Annotated

import typer

from churn.edge import configured

db_app = typer.Typer(no_args_is_help=True, help="The embedded Postgres.")


@db_app.command("start")
def db_start(
    tcp_port: Annotated[
        int | None, typer.Option("--tcp-port", help="Also listen on this port of 127.0.0.1, with passwords.")
    ] = None,
) -> None:
    """Start the embedded Postgres; it goes on running after the command."""
    from churn import embedded
    from churn.connections import EMBEDDED_WAREHOUSE
    from churn.dbaccess import close_doors

    settings = configured()
    server = embedded.start(settings.home, tcp_port=tcp_port)
    embedded.ensure_database(settings.home, EMBEDDED_WAREHOUSE)
    typer.echo(f"The embedded Postgres is running; socket in {server.socket_dir}.")
    if server.tcp_port is not None:
        close_doors(settings)
        typer.echo(
            f"It listens on 127.0.0.1:{server.tcp_port}. `churn db url --role {settings.roles.bi_reader}` gives a "
            "BI tool's address, with its password."
        )


@db_app.command("stop")
def db_stop() -> None:
    """Stop the embedded Postgres."""
    from churn import embedded

    stopped = embedded.stop(configured().home)
    typer.echo("Stopped." if stopped else "It was not running.")


@db_app.command("url")
def db_url(
    database: Annotated[str | None, typer.Option(help="Database; default the warehouse.")] = None,
    role: Annotated[str | None, typer.Option(help="Role for a BI tool, over TCP and with its password.")] = None,
) -> None:
    """Print an address of the embedded Postgres, for psql or a BI tool on this machine."""
    from churn.dbaccess import address

    typer.echo(address(configured(), database, role))


@db_app.command("psql", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def db_psql(
    context: typer.Context,
    database: Annotated[str | None, typer.Option(help="Database; default the warehouse.")] = None,
) -> None:
    """Open psql on the embedded Postgres; what follows is passed on to psql."""
    from churn.dbaccess import psql

    command = psql(configured(), database)
    raise typer.Exit(subprocess.run([*command, *context.args], check=False).returncode)  # noqa: S603
