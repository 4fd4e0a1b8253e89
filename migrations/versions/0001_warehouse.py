"""The warehouse as first released: staging, scores and ops. Views of `bi` come from `sql/views` on every migration."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from churn.warehouse import run_ddl

revision = "0001"
down_revision = None

_STATEMENTS = Path(__file__).with_suffix(".sql")


def upgrade() -> None:
    """Make every table of the first release."""
    run_ddl(op.get_bind(), _STATEMENTS.read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop them, with all that they hold."""
    run_ddl(
        op.get_bind(),
        """
        drop view if exists staging.subscription_periods;
        do $$
        declare
            found record;
        begin
            for found in
                select n.nspname, c.relname
                from pg_catalog.pg_class as c
                inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
                where n.nspname in ('staging', 'scores', 'ops') and c.relkind in ('r', 'p')
                    and c.relname <> 'alembic_version' and not c.relispartition
            loop
                execute format('drop table %I.%I', found.nspname, found.relname);
            end loop;
        end
        $$
        """,
    )
