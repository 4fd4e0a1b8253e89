"""The `churn` command: parse, read the clock, call the pipeline, print, exit with the code that fits."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from churn import __version__
from churn.cli_campaign import campaign_app
from churn.cli_db import db_app
from churn.cli_export import export
from churn.cli_forget import forget
from churn.cli_jobs import backfill, extract, nightly, scheduler, train
from churn.cli_models import models_app
from churn.cli_report import profile, report
from churn.cli_serve import serve
from churn.config import Settings
from churn.edge import clock, configured, options, parsed_date
from churn.errors import ChurnError
from churn.terminal import progress_for

if TYPE_CHECKING:
    from churn.warehouse import Database


class Commands(TyperGroup):
    """The commands; one whose reader has gone away, as `head` does, ends quietly."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a broken pipe ends it with 0, where the library would say 1."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno != errno.EPIPE:
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)


app = typer.Typer(
    name="churn",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Which customers will leave, what each is worth, and whom to contact first.",
)
app.add_typer(models_app, name="models")
app.add_typer(campaign_app, name="campaign")
app.add_typer(db_app, name="db")

AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Business date, such as 2026-11-21; default today."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")]


@app.callback(invoke_without_command=True)
def common(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option("--config", help="Configuration file; default churn.toml.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Keep the options that every command shares."""
    options.config, options.debug = config, debug
    if version:
        typer.echo(f"churn {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        context.fail("Missing command.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an error of ours ends in one message and its exit code."""
    line = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(args=_globals_first(line), prog_name="churn")
    except ChurnError as error:
        if "--debug" in line:
            traceback.print_exc()
        typer.echo(f"churn: {error}", err=True)
        sys.exit(error.exit_code)
    except Exception as error:
        if "--debug" in line:
            raise
        typer.echo(f"churn: {type(error).__name__}: a defect of churn. Run again with --debug and report it.", err=True)
        sys.exit(1)


def _globals_first(line: list[str]) -> list[str]:
    """Move `--config X`, `--config=X` and `--debug` before the command, so that they may stand anywhere."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(line)
    for word in words:
        if word == "--":
            return [*front, *rest, word, *words]
        if word == "--debug" or word.startswith("--config="):
            front.append(word)
        elif word == "--config":
            value = next(words, None)
            if value is None:
                return [word]
            front += [word, value]
        else:
            rest.append(word)
    return front + rest


# --- jobs ---------------------------------------------------------------------------------------------------------


@app.command()
def demo(
    directory: Annotated[Path, typer.Option("--dir", help="Folder for churn.toml and the data.")] = Path(),
    customers: Annotated[int, typer.Option(min=200, help="Customers to simulate.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.")] = 7,
    as_of: AsOf = None,
) -> None:
    """Make a whole company on the embedded Postgres and run every job on it; prints what to look at."""
    from churn.demo.run import run_demo

    night = parsed_date(as_of, Settings())
    progress = progress_for(sys.stderr, clock)
    try:
        run_demo(directory.resolve(), customers=customers, seed=seed, as_of=night, clock=clock, progress=progress)
    finally:
        progress.close()


@app.command()
def init(
    directory: Annotated[Path, typer.Option("--dir", help="Folder to write to.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
) -> None:
    """Write a commented churn.toml and the source SQL templates."""
    from churn.init import write_templates

    for path in write_templates(directory, force=force):
        typer.echo(f"wrote {path}")
    typer.echo("Next: set source.url in churn.toml, adapt source/*.sql, then run `churn doctor`.")


@app.command()
def doctor() -> None:
    """Check connections, privileges, mapping, freshness, migrations and model; one line each, with the mend."""
    from churn.doctor import examine

    settings = configured()
    findings = examine(settings, clock())
    for finding in findings:
        typer.echo(f"{finding.status:<4}  {finding.what}{f'  → {finding.mend}' if finding.mend else ''}")
    worst = next((finding.exit_code for finding in findings if finding.exit_code), 0)
    raise typer.Exit(worst)


@app.command()
def migrate(dry_run: DryRun = False) -> None:
    """Make or update the warehouse: roles, schemas, tables, views, grants."""
    from churn.connections import open_warehouse
    from churn.migrate import bi_views, pending
    from churn.migrate import migrate as run_migrate

    settings = configured()
    warehouse = open_warehouse(settings, job="migrate", as_owner=False)
    if dry_run:
        found, wanted = pending(warehouse)
        typer.echo(
            f"The warehouse is at revision {found}, as it should be; `churn migrate` would renew views and grants."
            if found == wanted
            else f"The warehouse is at revision {found or 'none'}; `churn migrate` would bring it to {wanted}."
        )
        return
    before, wanted = pending(warehouse)
    left_to_do = run_migrate(warehouse, settings.roles, settings.features.usage)
    if before is None:
        typer.echo(f"Made the warehouse, revision {wanted}: schemas staging, scores, ops and bi.")
        typer.echo(f"Views in bi: {len(bi_views())}. Roles: {', '.join(_roles(warehouse, settings)) or 'none'}.")
    elif before != wanted:
        typer.echo(f"Brought the warehouse from revision {before} to {wanted}.")
    typer.echo("The warehouse is up to date.")
    if left_to_do:
        typer.echo("roles.manage is off. Your administrator runs this, then you run `churn migrate` again:")
        for statement in left_to_do:
            typer.echo(f"  {statement}")


def _roles(warehouse: Database, settings: Settings) -> list[str]:
    """Return which of the configured roles there are."""
    from churn.roles import existing_roles

    with warehouse.begin() as connection:
        return sorted(existing_roles(connection, settings.roles))


# --- looking ------------------------------------------------------------------------------------------------------


@app.command()
def status() -> None:
    """Say in three lines how tonight is; then what is at work and open, the model, the last runs and the next.

    The exit code is 0 wherever the warehouse could be looked at, also where the first line begins with BROKEN: a
    program reads that word. Else it is that of the reason: 10 (configuration), 15 (the warehouse can't be reached, or
    is not migrated) or 75 (cut off).
    """
    from churn.status import status_of

    found = status_of(configured(), clock())
    for line in found.lines:
        typer.echo(line)
    if found.error is not None:
        raise found.error


app.command()(export)
for command in (extract, train, nightly, backfill, scheduler, forget, profile, report, serve):
    app.command()(command)
