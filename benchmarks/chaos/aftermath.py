"""What must hold once a disturbed night was run again: nothing is left of it but its place in the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.chaos.ground import SMALL_DISK
from benchmarks.chaos.looking import Fingerprint, catalog, differences, look, staging
from churn.publish import _LIST_TABLES, _RUN_TABLES
from tests.e2e.company import Office

# What an alert that could not be delivered is kept under a lock with; the file of the lock stays.
_KEPT_FILES = (".churn", ".churn/alerts.lock")
_PATIENCE_SECONDS = 4.0
_LOOK_EVERY_SECONDS = 0.1

_LOCKS = """
select distinct format('%s %s %s', l.locktype, l.mode, cast(l.relation as regclass))
from pg_locks as l
inner join pg_stat_activity as a on l.pid = a.pid
where
    l.database = (select d.oid from pg_database as d where d.datname = current_database())
    and a.backend_type = 'client backend' and l.pid <> pg_backend_pid()
"""
_SESSIONS = """
select format('%s (%s, %s)', a.application_name, a.datname, a.state)
from pg_stat_activity as a
where
    a.backend_type = 'client backend' and a.pid <> pg_backend_pid()
    and a.datname in (current_database(), '{source}')
"""
_PREPARED = "select gid from pg_prepared_xacts"
_TEMPORARY = """
select format('%s/%s', t.spcname, f.name)
from pg_tablespace as t cross join lateral pg_ls_tmpdir(t.oid) as f
where t.spcname in ('pg_default', '{small}')
"""
_LEDGER = """
select format('run %s is %s in %s', r.run_id, r.status, r.stage)
from ops.runs as r
where r.status = 'running'
"""
_STRANGE_RUNS = """
select format('run %s has failed without exit code or error', r.run_id)
from ops.runs as r
where r.status = 'failed' and (r.exit_code is null or r.error is null)
"""
_PUBLISHED_TWICE = """
select format('night %s: run %s is published and %s', p.as_of_date, p.run_id, r.status)
from ops.published as p inner join ops.runs as r on p.run_id = r.run_id
where r.status <> 'succeeded'
"""
_LEFT_SNAPSHOTS = """
select distinct format('snapshot %s', f.snapshot_id)
from scores.feature_snapshots as f
where f.snapshot_id not in (select s.snapshot_id from ops.snapshots as s)
"""


def violations(
    office: Office, wanted: Fingerprint, relations: set[str], staged: dict[str, str], files: Sequence[str]
) -> list[str]:
    """Compare a warehouse and its folder with those of an undisturbed night.

    Parameters
    ----------
    office : Office
    wanted, relations, staged, files
        Of the undisturbed night: what views show, the catalog, the tables of staging, the folder's files.
    """
    told = [f"sessions are left: {name}" for name in _soon_none(lambda: _sessions(office))]
    told += [f"a lock is left: {name}" for name in _soon_none(lambda: office.column(_LOCKS))]
    told += [
        f"a view differs from the undisturbed night's: {view}" for view in differences(look(office, whole=True), wanted)
    ]
    found = catalog(office)
    told += [f"a relation is left: {name}" for name in sorted(found - relations)]
    told += [f"a relation is missing: {name}" for name in sorted(relations - found)]
    told += [f"a table of staging differs: {name}" for name in differences(staging(office), staged)]
    queries = (
        _PREPARED,
        _TEMPORARY.format(small=SMALL_DISK),
        _LEDGER,
        _STRANGE_RUNS,
        _PUBLISHED_TWICE,
        _LEFT_SNAPSHOTS,
    )
    told += [f"left: {found}" for query in queries for found in office.column(query)]
    told += left_rows(office)
    return told + [f"a file is left: {name}" for name in files_of(office.folder) if name not in (*files, *_KEPT_FILES)]


def _sessions(office: Office) -> list[str]:
    source = office.source_url.split("?", maxsplit=1)[0].rsplit("/", maxsplit=1)[-1]
    return office.column(_SESSIONS.format(source=source))


def _soon_none(found: Callable[[], list[str]]) -> list[str]:
    """Give the server a moment to notice that a client has gone."""
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while (left := found()) and time.monotonic() < give_up:
        time.sleep(_LOOK_EVERY_SECONDS)
    return left


def left_rows(office: Office) -> list[str]:
    """Return what is left of runs that did not succeed and that no night shows.

    A run that was shown and no longer is, or that ended since the last sweep, waits for the next sweep.
    """
    shown = (
        "(select run_id from ops.published union select list_run_id from ops.published "
        "union select run_id from ops.runs where status = 'succeeded' or not is_swept)"
    )
    return [
        f"rows are left in {table.schema}.{table.name} of run {run_id}"
        for table in (*_RUN_TABLES, *_LIST_TABLES)
        for run_id in office.column(
            f"select distinct run_id from {table.schema}.{table.name} where run_id not in {shown}"  # noqa: S608 - our own names
        )
    ]


def files_of(folder: Path) -> list[str]:
    """Return the files of a folder and the folders below it, but for the harness's own logs."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix != ".log")
