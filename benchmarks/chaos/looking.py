"""What is seen of a warehouse: by a reader all through a night, and of its catalog once the night is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from churn.migrate import bi_views
from churn.warehouse import quoted, sqlstate
from tests.e2e.company import LEDGER_VIEWS, Office

Fingerprint = dict[str, str]
"""For each view its number of rows and a hash of them, whatever their order; run ids do not count."""

# Too slow to be looked at all through: it is compared before and after.
SLOW_VIEWS = ("customer_activity",)
_PAUSE_SECONDS = 0.7
_LOCK_TIMEOUT = "55P03"
_ROW = "regexp_replace(cast(to_jsonb(v) - 'run_id' as text), 'run_id = [0-9]+', 'run_id = ?', 'g')"
_LOOK = f"""
select
    cast(:name as text) as view,
    count(*) || ' rows, ' || coalesce(sum(cast(hashtextextended({_ROW}, 0) as numeric)), 0) as found
from {{}} as v
"""  # noqa: S608 - our own names
# Of the ledger, what the published runs say of themselves, but for what they had left to read.
_LEDGER = {
    "job_runs": "(select job, as_of_date, status, published, versions, exit_code, error, rows - 'extract' as rows "
    "from bi.job_runs where published)",
    "data_quality": "(select q.as_of_date, q.check_name, q.severity, q.status from bi.data_quality as q "
    "inner join bi.job_runs as r on q.run_id = r.run_id "
    "where r.published and q.check_name not like 'quarantine:%')",
}

# Of a view of a row a week, each customer's weeks together: quicker by far than a hash of each row.
_WIDE = {
    "customer_activity": "(select a.customer_id, string_agg(replace(cast(a as text), ',' || a.run_id || ')', ''), "
    "',' order by a.week) as weeks "
    "from bi.customer_activity as a group by a.customer_id)"
}


def _statement(views: Mapping[str, str]) -> sa.TextClause:
    """Return one statement that looks at all of them at one moment."""
    parts = [_LOOK.format(source).replace(":name", f"'{name}'") for name, source in views.items()]
    return sa.text(" union all ".join(parts))


def look(office: Office, *, whole: bool) -> Fingerprint:
    """Look at the `bi` views as `bi_reader`, in one statement.

    Parameters
    ----------
    office : Office
    whole : bool
        The slow views and the ledger's, too.
    """
    views = {view.name: f"bi.{view.name}" for view in bi_views() if view.name not in LEDGER_VIEWS}
    if whole:
        views |= _LEDGER | _WIDE
    else:
        views = {name: source for name, source in views.items() if name not in SLOW_VIEWS}
    with office.reading() as connection:
        return {row.view: row.found for row in connection.execute(_statement(views))}


def differences(found: Fingerprint, wanted: Fingerprint) -> list[str]:
    """Return the views that differ."""
    return sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))


@dataclass
class Reader:
    """A BI tool that looks all through a night.

    Attributes
    ----------
    office : Office
    may_be_refused : bool
        The server goes down in this night, so a look may fail.
    seen : list of Fingerprint
        Each new sight, in order.
    looks, refused : int
    complaints : list of str
        What no reader should meet.
    """

    office: Office
    may_be_refused: bool = False
    seen: list[Fingerprint] = field(default_factory=list)
    looks: int = 0
    refused: int = 0
    complaints: list[str] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Look again and again through the block, and once after it."""
        stop = threading.Event()
        thread = threading.Thread(target=self._until, args=(stop,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            self.look()

    def _until(self, stop: threading.Event) -> None:
        while not stop.is_set():
            begun = time.monotonic()
            self.look()
            stop.wait(max(_PAUSE_SECONDS, 3 * (time.monotonic() - begun)))

    def look(self) -> None:
        """Look once, and keep what is new."""
        with self._guard:
            self._look()

    def _look(self) -> None:
        try:
            found = look(self.office, whole=False)
        except DBAPIError as error:
            if sqlstate(error) == _LOCK_TIMEOUT:
                self.complaints.append("a reader was kept waiting")
            elif not self.may_be_refused:
                self.complaints.append(f"a reader was refused: {' '.join(str(error.orig).split())[:200]}")
            self.refused += 1
            return
        self.looks += 1
        if not self.seen or self.seen[-1] != found:
            self.seen.append(found)

    def violations(self, old: Fingerprint, new: Fingerprint) -> list[str]:
        """Say what was seen that is neither the state before the night nor the state after it, or went back."""
        told = list(dict.fromkeys(self.complaints))
        states = [found for found in self.seen if found in (old, new)]
        for found in self.seen:
            if found not in states:
                apart = [f"{view} ({found.get(view)}, new {new.get(view)})" for view in differences(found, new)]
                told.append(
                    f"a reader saw half a night: {len(differences(found, old))} views are not as before, "
                    f"and not as after are {', '.join(apart)}"
                )
        if old != new and new in states and old in states[states.index(new) :]:
            told.append("a reader saw the old night again after the new one")
        return told


# ---------------------------------------------------------------- what a night leaves behind

_RELATIONS = """
select format('%s.%s (%s%s)', n.nspname, c.relname, c.relkind, ', of ' || p.relname) as relation
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
left join pg_inherits as i on c.oid = i.inhrelid
left join pg_class as p on i.inhparent = p.oid
where n.nspname <> 'pg_catalog' and n.nspname <> 'information_schema' and n.nspname not like 'pg_toast%'
order by 1
"""
_COLUMNS = """
select format('%s.%s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod)) as attribute
from pg_attribute as a
inner join pg_class as c on a.attrelid = c.oid
where c.relnamespace = 'bi'::regnamespace and a.attnum > 0 and not a.attisdropped
order by 1
"""
# A customer's key is drawn from a sequence, which a rolled-back extraction leaves ahead: the id is compared instead.
_STAGED = """
select count(*) || ' rows, ' || coalesce(sum(cast(hashtextextended(cast(row({compared}) as text), 0) as numeric)), 0)
from {table} as v
left join staging.customer_keys as k on v.customer_key = k.customer_key
"""
_STAGED_COLUMNS = """
select c.relname as name, array_agg(cast(a.attname as text) order by a.attnum) as attributes
from pg_class as c
inner join pg_attribute as a on c.oid = a.attrelid
where
    c.relnamespace = 'staging'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    and a.attnum > 0 and not a.attisdropped
group by c.relname
order by 1
"""
# When a row was learned is the time of the run; the bounds of an attribute's versions are times of runs, too.
_TIMES_OF_RUNS = {"customer_attributes": ["learned_at", "valid_from", "valid_to"]}


def catalog(office: Office) -> set[str]:
    """Return every relation of the warehouse and every column of `bi`; temporary tables included."""
    return {str(name) for query in (_RELATIONS, _COLUMNS) for name in office.column(query)}


def staging(office: Office) -> dict[str, str]:
    """Return the fingerprint of every table of `staging`, partitions as one; times of runs do not count."""
    tables = {row["name"]: row["attributes"] for row in office.rows(_STAGED_COLUMNS)}
    return {name: office.value(_staged(name, columns)) for name, columns in tables.items()}


def _staged(table: str, columns: Sequence[str]) -> str:
    """Return the statement that takes a table's fingerprint."""
    left_out = {"customer_key", *_TIMES_OF_RUNS.get(table, ["learned_at"])}
    compared = [f"v.{quoted(column)}" for column in columns if column not in left_out]
    has_customer = "customer_key" in columns
    statement = _STAGED if has_customer else _STAGED.split("left join", maxsplit=1)[0]
    return statement.format(
        compared=", ".join([*compared, *(["k.customer_id"] if has_customer else [])]), table=f"staging.{quoted(table)}"
    )
