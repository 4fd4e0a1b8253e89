"""How programs and people reach the embedded server: addresses, databases, passwords."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from pathlib import Path
from urllib.parse import quote

from churn.embedded.files import locked, unusable, write_private
from churn.embedded.psql import conninfo, psql_program, run_sql
from churn.embedded.server import PASSWORDS_FILE, running_layout
from churn.errors import ConfigError, UsageError, WarehouseError

_SCRAM_ITERATIONS = 4096
_SALT_BYTES = 16
_PASSWORD_BYTES = 24
_NAME_BYTES = 63
READER_LIMITS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "5min",
}
_CLOSE_DATABASES = """
select format('revoke connect, temporary on database %I from public', d.datname) from pg_database as d
where exists (
    select 1 from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a where a.grantee = 0
)
order by d.datname \\gexec
select json_agg(datname order by datname) from pg_database where datallowconn
"""
_CLOSE_LARGE_OBJECTS = """
select format('revoke execute on function %s from public', p.oid::regprocedure) from pg_proc as p
where
    p.pronamespace = 'pg_catalog'::regnamespace and (p.proname like 'lo\\_%' or p.proname in ('loread', 'lowrite'))
    and exists (
        select 1 from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a where a.grantee = 0
    )
order by p.oid \\gexec
"""
_ADMIT = """
select format('grant connect on database %I to %I', :'database', rolname) from pg_roles where rolname = :'role' \\gexec
"""
_LIMIT = """
select format('alter role %I set %s = %L', r.rolname, l.key, l.value)
from pg_roles as r cross join json_each_text(:'limits') as l
where r.rolname = :'role' \\gexec
"""


def database_url(home: Path, database: str, role: str | None = None, *, libpq: bool = False, tcp: bool = False) -> str:
    """Address of a database, without any password.

    Parameters
    ----------
    home : Path
        The `.churn` folder.
    database : str
        Name of the database.
    role : str, optional
        Role to connect as; by default the superuser, or none when over TCP.
    libpq : bool
        Give the form that psql, pg_dump and BI tools read, instead of SQLAlchemy's.
    tcp : bool
        Give the address on 127.0.0.1 instead of the socket's.

    Raises
    ------
    ConfigError
        If `tcp` is asked for and the server does not listen.
    WarehouseError
        If this home has no server yet.
    """
    layout = running_layout(home)
    if tcp:
        if layout.tcp_port is None:
            message = f"The embedded Postgres of {home} does not listen on a port."
            raise ConfigError(message, "Run `churn db start --tcp-port 5433` (or another free port).")
        who = f"{quote(role, safe='')}@" if role else ""
        url = f"postgresql://{who}127.0.0.1:{layout.tcp_port}/{quote(database, safe='')}"
    else:
        url = conninfo(layout, database, role or "postgres")
    return url if libpq else url.replace("postgresql://", "postgresql+psycopg2://", 1)


def psql_command(home: Path, database: str) -> list[str]:
    """Command line of an interactive `psql` on a database, as the superuser over the socket."""
    layout = running_layout(home)
    return [psql_program(layout), "-d", conninfo(layout, database)]


def ensure_database(home: Path, name: str) -> None:
    """Create a database unless it is there; safe under concurrent callers.

    Raises
    ------
    UsageError
        If the name is empty or longer than Postgres keeps (63 bytes).
    WarehouseError
        If the server can't be reached or refuses.
    """
    if not name or len(name.encode()) > _NAME_BYTES:
        raise UsageError(f"{name!r} can't be the name of a database.", "Use 1 to 63 bytes.")
    with locked(home):
        layout = running_layout(home)
        there = run_sql(layout, "postgres", "select 1 from pg_database where datname = :'name'", {"name": name})
        if not there:
            run_sql(layout, "postgres", 'create database :"name"', {"name": name})
            run_sql(layout, "postgres", 'revoke connect, temporary on database :"name" from public', {"name": name})


def close_to_public(home: Path) -> None:
    """Let no role into any database that was not let in by name; take temporary tables and large objects away.

    Whoever may connect could otherwise fill the disk. The superuser over the socket keeps everything.

    Raises
    ------
    WarehouseError
        If the server can't be reached or refuses.
    """
    with locked(home) as resolved:
        layout = running_layout(resolved)
        for name in json.loads(run_sql(layout, "postgres", _CLOSE_DATABASES)):
            run_sql(layout, name, _CLOSE_LARGE_OBJECTS)


def admit(home: Path, database: str, role: str, *, limited: bool) -> None:
    """Let a role into a database; one that does not exist is passed over.

    Parameters
    ----------
    home : Path
        The `.churn` folder.
    database : str
        Name of the database.
    role : str
        Name of the role.
    limited : bool
        Sessions of its own begin with `READER_LIMITS`.

    Raises
    ------
    WarehouseError
        If the server can't be reached or refuses.
    """
    with locked(home) as resolved:
        layout = running_layout(resolved)
        run_sql(layout, "postgres", _ADMIT, {"database": database, "role": role})
        if limited:
            limits = json.dumps(READER_LIMITS)
            run_sql(layout, "postgres", _LIMIT, {"role": role, "limits": limits})


def login_roles(home: Path) -> list[str]:
    """Roles that a password was set for, by name."""
    return sorted(_passwords(home.resolve()))


def set_login(home: Path, role: str, password: str | None = None) -> None:
    """Let a role log in over TCP with a password, generated unless given, and keep it in a 0600 file.

    Only the SCRAM verifier (RFC 5803) goes to the server, so the password is in no log.

    Raises
    ------
    UsageError
        If the role is the superuser, or the password is not printable ASCII.
    WarehouseError
        If there is no such role, or the server can't be reached.
    """
    if role == "postgres":
        message = "The superuser takes no password: it is for the owner, over the socket only."
        raise UsageError(message, "Name another role, such as `bi_reader`.")
    chosen = password if password is not None else secrets.token_urlsafe(_PASSWORD_BYTES)
    if not chosen or not chosen.isascii() or not chosen.isprintable():
        raise UsageError("A password here is made of printable ASCII characters.", "Choose another one.")
    with locked(home) as resolved:
        layout = running_layout(resolved)
        if not run_sql(layout, "postgres", "select 1 from pg_roles where rolname = :'role'", {"role": role}):
            raise WarehouseError(f"There is no role {role}.", "Run `churn migrate` first: it creates the roles.")
        statement = "alter role :\"role\" login password :'secret'"
        run_sql(layout, "postgres", statement, {"role": role}, secret=scram_verifier(chosen))
        kept = json.dumps({**_passwords(resolved), role: chosen}, indent=2, sort_keys=True)
        write_private(resolved / PASSWORDS_FILE, kept + "\n")


def login_password(home: Path, role: str) -> str:
    """Password that was set for a role, to be shown only when asked for by name.

    Raises
    ------
    WarehouseError
        If none was set.
    """
    try:
        return _passwords(home.resolve())[role]
    except KeyError:
        message = f"No password was set for the role {role}."
        raise WarehouseError(message, f"Run `churn db url --role {role}`: it sets one.") from None


def _passwords(home: Path) -> dict[str, str]:
    path = home / PASSWORDS_FILE
    try:
        kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise unusable(path, error) from error
    except ValueError:
        message = f"The file {path} is damaged."
        raise WarehouseError(message, "Remove it and set the passwords again.") from None
    return kept


def scram_verifier(password: str, salt: bytes | None = None, iterations: int = _SCRAM_ITERATIONS) -> str:
    """Compute what Postgres stores of a password: SCRAM-SHA-256 (RFC 5802, RFC 7677) in RFC 5803's form.

    Parameters
    ----------
    password : str
        Printable ASCII, which SASLprep leaves as it is.
    salt : bytes, optional
        Random by default.
    iterations : int
        Rounds of PBKDF2.
    """
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, iterations)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    shown = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${iterations}:{shown[0]}${shown[1]}:{shown[2]}"
