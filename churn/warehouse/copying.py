"""`COPY` in and out in bounded chunks."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from typing import Any, Literal

import psycopg2
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.engine import Connection

from churn.warehouse.database import quoted

CopyFormat = Literal["csv", "binary", "text"]

COPY_CHUNK_BYTES = 1 << 18
COPY_QUEUE_CHUNKS = 16


class _ChunkReader:
    """A file to read from, over an iterator of byte chunks; holds one chunk at a time.

    The driver tells of an error in here, or of an interruption, as one of its own: `failure` is the real one.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""
        self.failure: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; empty at the end."""
        try:
            return self._read(size)
        except BaseException as error:
            self.failure = error
            raise

    def _read(self, size: int) -> bytes:
        if not self._rest:
            self._rest = next((chunk for chunk in self._chunks if chunk), b"")
        taken, self._rest = (self._rest[:size], self._rest[size:]) if size > 0 else (self._rest, b"")
        return taken


def copy_in(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    chunks: Iterable[bytes],
    *,
    fmt: CopyFormat = "csv",
) -> int:
    """Stream rows into a table by `COPY … FROM STDIN`.

    Parameters
    ----------
    connection : sqlalchemy.Connection
    table : str
        `table` or `schema.table`; quoted here.
    columns : sequence of str
        Columns in the order of the data; quoted here.
    chunks : iterable of bytes
        Data in the format `fmt`, in pieces of any size; only one is held at a time.
    fmt : {"csv", "binary", "text"}
        An unquoted empty field of a CSV is null.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    BaseException
        Whatever the chunks raise, as it is.
    """
    target = ".".join(quoted(part) for part in table.split("."))
    names = ", ".join(quoted(column) for column in columns)
    statement = f"copy {target} ({names}) from stdin with (format {fmt})"
    reader = _ChunkReader(chunks)
    with closing(_cursor(connection)) as cursor:
        try:
            cursor.copy_expert(statement, reader, COPY_CHUNK_BYTES)
        except psycopg2.Error:
            if reader.failure is None:
                raise
            raise reader.failure from reader.failure.__cause__
        return int(cursor.rowcount)


def _cursor(connection: Connection) -> Any:
    """Return the driver's own cursor: COPY has no place in SQLAlchemy."""
    return connection.connection.cursor()


class _ChunkWriter:
    """A file to write to, that hands what it gets to another thread in pieces through a bounded queue."""

    def __init__(self, chunks: queue.Queue[bytes | None]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()
        self.abandoned = threading.Event()

    def write(self, data: bytes) -> int:
        self._buffer += data
        if len(self._buffer) >= COPY_CHUNK_BYTES:
            self.flush()
        return len(data)

    def flush(self) -> None:
        if self._buffer:
            self.put(bytes(self._buffer))
            self._buffer = bytearray()

    def put(self, item: bytes | None) -> None:
        while not self.abandoned.is_set():
            try:
                self._chunks.put(item, timeout=0.2)
            except queue.Full:
                continue
            return
        if item is not None:
            raise BrokenPipeError("the reader of this COPY went away")


def copy_out(connection: Connection, query: str, *, fmt: CopyFormat = "csv") -> Generator[bytes, None, None]:
    """Stream the rows of a query by `COPY … TO STDOUT`, in pieces of about 256 KiB, a few at a time in memory.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Must not be used for anything else until the iterator ends or is closed.
    query : str
        A finished SELECT (`COPY` takes no parameters; see `literal_sql`).
    """
    chunks: queue.Queue[bytes | None] = queue.Queue(COPY_QUEUE_CHUNKS)
    writer = _ChunkWriter(chunks)
    failures: list[BaseException] = []
    raw: Any = connection.connection

    def pump() -> None:
        try:
            with closing(raw.cursor()) as cursor:
                cursor.copy_expert(f"copy ({query}) to stdout with (format {fmt})", writer, COPY_CHUNK_BYTES)
            writer.flush()
        except BaseException as error:  # noqa: BLE001 - handed to the reading thread, which raises it
            failures.append(error)
        finally:
            writer.put(None)

    thread = threading.Thread(target=pump, name="copy-out", daemon=True)
    thread.start()
    is_whole = False
    try:
        while (chunk := chunks.get()) is not None:
            yield chunk
        is_whole = True
    finally:
        if not is_whole:
            writer.abandoned.set()
            raw.cancel()
        thread.join()
    if failures:
        raise failures[0]


def literal_sql(statement: sa.TextClause | sa.Select[Any], **params: Any) -> str:
    """Render a statement with its parameters as quoted literals, for `COPY (…)`, which can't take bound ones.

    Every value passes through SQLAlchemy's own literal rendering for its type.
    """
    bound = statement.bindparams(**params) if isinstance(statement, sa.TextClause) and params else statement
    dialect = PGDialect_psycopg2()  # type: ignore[no-untyped-call]
    compiled = bound.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return str(compiled).replace("%%", "%")
