"""Backtests of CLV in `ops`, for `bi.clv_performance` and `bi.clv_deciles`."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from churn.schema import clv_backtests, clv_deciles
from churn.valuation.backtest import Backtest


def copy_backtest(connection: Connection, source: str, model_version: str) -> None:
    """Let the backtest of one model stand for another, which has none of its own."""
    if source == model_version:
        return
    for table in (clv_backtests, clv_deciles):
        connection.execute(sa.delete(table).where(table.c.model_version == model_version))
        names = [column.name for column in table.columns]
        rows = sa.select(
            *(sa.literal(model_version) if name == "model_version" else table.c[name] for name in names)
        ).where(table.c.model_version == source)
        connection.execute(sa.insert(table).from_select(names, rows))


def store_backtest(connection: Connection, model_version: str, backtest: Backtest | None, used: str) -> None:
    """Store the backtest of a model in place of one that was there."""
    for table in (clv_backtests, clv_deciles):
        connection.execute(sa.delete(table).where(table.c.model_version == model_version))
    if backtest is None:
        return
    rows = [
        {
            "model_version": model_version,
            "method": score.method,
            "from_date": backtest.from_date,
            "to_date": backtest.to_date,
            "customers": score.customers,
            "predicted": round(score.predicted, 2),
            "realised": round(score.realised, 2),
            "mean_absolute_error": score.mean_absolute_error,
            "decile_error": score.decile_error,
            "rank_correlation": score.rank_correlation,
            "is_used": score.method == used,
            "is_best": score.method == backtest.best,
        }
        for score in backtest.scores
    ]
    connection.execute(sa.insert(clv_backtests), rows)
    deciles = [
        {
            "model_version": model_version,
            "method": score.method,
            "decile": decile.decile,
            "customers": decile.customers,
            "predicted": round(decile.predicted, 2),
            "realised": round(decile.realised, 2),
        }
        for score in backtest.scores
        for decile in score.deciles
    ]
    if deciles:
        connection.execute(sa.insert(clv_deciles), deciles)
