"""`churn models`: the registry."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from churn.config import Settings
from churn.edge import clock, configured
from churn.terminal import print_table
from churn.windows import business_today

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from churn.modelcard import ModelFacts
    from churn.registry import Author

models_app = typer.Typer(no_args_is_help=True, help="The registry of models.")


@models_app.command("list")
def list_models(
    kind: Annotated[Literal["churn", "segments", "clv"], typer.Option("--kind", help="Kind of model.")] = "churn",
) -> None:
    """List the models, the newest first: which is in use, how good each is, and why it is or isn't in use."""
    from churn.modelcard import list_models as listed

    with _reading(configured()) as connection:
        columns, rows, reasons = listed(connection, kind)
    if rows:
        print_table(f"Models of {kind}", columns, rows)
        for reason in reasons:
            typer.echo(f"- {reason}")
    else:
        typer.echo("There is no model yet. Run `churn train`." if kind == "churn" else f"There is no {kind} model yet.")


@models_app.command()
def show(
    version: Annotated[str | None, typer.Argument(help="Version of the model; default the one in use.")] = None,
    card: Annotated[bool, typer.Option("--card", help="Print the model card, in Markdown.")] = False,
) -> None:
    """Show a model: figures beside the baselines' (of CLV, parameters and backtest), notes, and who decided what."""
    from churn import registry
    from churn.errors import ModelError, UsageError
    from churn.modelcard import read_facts, render_card

    with _reading(configured()) as connection:
        champion = registry.champion(connection, registry.CHURN) if version is None else None
        wanted = champion.model_version if champion else version
        if wanted is None:
            raise ModelError("There is no model in use.", "Run `churn train`.")
        facts = read_facts(connection, wanted)
    if card and facts.model.kind == registry.CHURN:
        typer.echo(render_card(facts), nl=False)
    elif card:
        raise UsageError(f"{wanted} is no churn model: only those have a card.", "Show it without --card.")
    else:
        _print_facts(facts)


@models_app.command()
def promote(
    version: Annotated[str, typer.Argument(help="Version of the model.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the registry.")],
) -> None:
    """Put a stored churn model in use from the next night on; refused where no night could be scored by it."""
    from churn.champions import promote_by_hand

    settings = configured()
    with _writing(settings) as (connection, author):
        done = promote_by_hand(
            connection, settings, version, author, reason, today=business_today(author.at, settings.business.timezone)
        )
    typer.echo(done)


@models_app.command()
def rollback(
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the registry.")] = "by hand",
) -> None:
    """Put the churn model back in use that was in use before; once more goes back one further."""
    from churn.champions import roll_back_by_hand

    settings = configured()
    with _writing(settings) as (connection, author):
        done = roll_back_by_hand(
            connection, settings, author, reason, today=business_today(author.at, settings.business.timezone)
        )
    typer.echo(done)


def _print_facts(facts: ModelFacts) -> None:
    from churn.modelcard import backtest_table, figure_table, parameter_table

    model = facts.model
    typer.echo(f"{model.model_version}: {model.status}, trained as of {model.trained_as_of}, SHA-256 {model.sha256}")
    for evaluation, performance in facts.performance.items():
        span = f"{performance['from_as_of_date']} to {performance['to_as_of_date']}"
        counts = f"{performance['customer_months']:,} customer-months, {performance['churners']:,} churners"
        columns, rows = figure_table(facts, evaluation)
        print_table(f"{evaluation.replace('_', ' ')}: {span}, {counts}", columns[:-1], [row[:-1] for row in rows])
    if model.kind == "clv":
        print_table("Parameters", *parameter_table(facts))
        print_table(*backtest_table(facts))
    events = [[f"{event.at:%Y-%m-%d %H:%M} UTC", event.event, event.actor, event.reason] for event in facts.events]
    print_table("History", ["when", "what", "who", "why"], events)
    for note in facts.detail("notes", []):
        typer.echo(f"- {note}")


@contextmanager
def _reading(settings: Settings) -> Iterator[Connection]:
    from churn.connections import open_warehouse
    from churn.migrate import require_current

    with open_warehouse(settings, job="models").begin() as connection:
        require_current(connection)
        yield connection


@contextmanager
def _writing(settings: Settings) -> Iterator[tuple[Connection, Author]]:
    """Hold the writer lock: the model in use changes between two nights, never within one."""
    from churn.connections import open_warehouse
    from churn.migrate import require_current
    from churn.registry import Author
    from churn.warehouse import Claim, writer_lock

    warehouse = open_warehouse(settings, job="models")
    with warehouse.begin() as connection:
        require_current(connection)
    with writer_lock(warehouse, Claim("models", clock=clock)) as writer, writer.database.begin() as connection:
        yield connection, Author(_login(), clock())


def _login() -> str:
    """Return the operating system's user, by number where it has no name (as in some containers)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
