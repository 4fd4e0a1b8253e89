"""The embedded Postgres as a user meets it: started, killed, moved, knocked at from outside."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import NullPool, create_engine, text

from churn import embedded
from churn.config import Settings
from churn.dbaccess import address, close_doors
from churn.embedded.access import READER_LIMITS
from churn.errors import ConfigError, TransientError, WarehouseError

_REPOSITORY = Path(__file__).resolve().parents[2]
_AS_ROOT = os.geteuid() == 0
_PACKAGES = [str(Path(psycopg2.__file__).parent.parent)]
only_as_root = pytest.mark.skipif(not _AS_ROOT, reason="needs root, to act as another user")


@pytest.fixture
def home() -> Iterator[Path]:
    """A home of this test's own, in a folder that is closed to all others."""
    with tempfile.TemporaryDirectory(prefix="churn-closed-") as closed:
        folder = Path(closed) / ".churn"
        yield folder
        if folder.exists():
            embedded.destroy(folder)


def _query(home: Path, sql: str, database: str = "postgres") -> list[Any]:
    engine = create_engine(embedded.database_url(home, database), poolclass=NullPool)
    with engine.begin() as connection:
        found = connection.execute(text(sql))
        return list(found.scalars()) if found.returns_rows else []


def _pid(home: Path) -> int:
    pid = embedded.status(home).pid
    assert pid is not None
    return pid


def _python(script: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [options.pop("python", sys.executable), "-c", textwrap.dedent(script), *arguments]
    path = os.pathsep.join([str(_REPOSITORY), *options.pop("path", [])])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False, **options)


def _python_for(options: dict[str, Any]) -> str:
    """A Python that another user may run; the one of these tests may be inside a closed home."""
    for python in (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3"):
        try:
            if _python("import churn.embedded", python=python, **options).returncode == 0:
                return python
        except OSError:
            continue
    pytest.skip("another user can't run any Python here, or can't read this checkout")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ---------------------------------------------------------------- life and death


def test_a_start_is_idempotent_and_a_stop_ends_it(home: Path) -> None:
    first = embedded.start(home)
    pid = _pid(home)
    assert embedded.start(home) == first
    assert _pid(home) == pid
    assert embedded.stop(home) is True
    assert embedded.stop(home) is False
    assert embedded.status(home) == embedded.ServerStatus(first, running=False, pid=None)


def test_the_server_outlives_the_process_that_started_it(home: Path) -> None:
    script = "import sys; from pathlib import Path; from churn import embedded; embedded.start(Path(sys.argv[1]))"
    done = _python(script, str(home), start_new_session=True)
    assert done.returncode == 0, done.stderr
    assert _query(home, "select 1") == [1]


def test_concurrent_starts_give_one_server(home: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from churn import embedded
        embedded.start(Path(sys.argv[1]))
        embedded.ensure_database(Path(sys.argv[1]), "churn")
        print(embedded.status(Path(sys.argv[1])).pid)
    """
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: _python(script, str(home)), range(4)))
    assert [found.returncode for found in done] == [0, 0, 0, 0], [found.stderr for found in done]
    assert {found.stdout for found in done} == {f"{_pid(home)}\n"}


def test_after_sigkill_a_start_recovers_what_was_committed(home: Path) -> None:
    embedded.start(home)
    _query(home, "create table kept as select generate_series(1, 1000) as n")
    os.kill(_pid(home), signal.SIGKILL)
    embedded.start(home)
    assert _query(home, "select count(*) from kept") == [1000]


def test_a_pid_file_that_names_another_process_neither_blocks_a_start_nor_kills_it(home: Path) -> None:
    server = embedded.start(home)
    owner = server.data_dir.stat()
    embedded.stop(home)
    with subprocess.Popen(["sleep", "60"], user=owner.st_uid, group=owner.st_gid) as bystander:
        try:
            stale = f"{bystander.pid}\n{server.data_dir}\n1700000000\n5432\n{server.socket_dir}\n\n0 0\nready\n"
            (server.data_dir / "postmaster.pid").write_text(stale)
            assert embedded.status(home).running is False
            assert embedded.stop(home) is False
            embedded.start(home)
            assert _pid(home) != bystander.pid
            assert bystander.poll() is None
        finally:
            bystander.kill()


def test_a_socket_that_was_swept_away_comes_back(home: Path) -> None:
    server = embedded.start(home)
    for path in server.socket_dir.iterdir():
        path.unlink()
    embedded.start(home)
    assert _query(home, "select 1") == [1]


def test_an_interrupted_initialisation_is_begun_again(home: Path) -> None:
    server = embedded.start(home)
    embedded.stop(home)
    server.data_dir.rename(server.data_dir.with_name("data.partial"))
    (server.data_dir.with_name("data.partial") / "PG_VERSION").unlink()
    embedded.start(home)
    assert _query(home, "select 1") == [1]
    assert not server.data_dir.with_name("data.partial").exists()


def test_data_of_another_major_version_are_refused_and_left_alone(home: Path) -> None:
    server = embedded.start(home)
    embedded.stop(home)
    (server.data_dir / "PG_VERSION").write_text("16\n")
    with pytest.raises(WarehouseError, match=r"made by Postgres 16; the installed one is 18.*pg_dumpall"):
        embedded.start(home)
    (server.data_dir / "PG_VERSION").write_text("18\n")
    embedded.start(home)


def test_a_failed_start_shows_the_last_lines_of_the_log(home: Path) -> None:
    server = embedded.start(home)
    embedded.stop(home)
    control = server.data_dir / "global" / "pg_control"
    control.rename(control.with_suffix(".away"))
    with pytest.raises(WarehouseError, match=r"did not start(.|\n)*pg_control") as caught:
        embedded.start(home)
    assert str(server.log_dir) in str(caught.value)
    control.with_suffix(".away").rename(control)
    embedded.start(home)


def test_destroying_a_server_leaves_no_files_of_it(home: Path) -> None:
    server = embedded.start(home)
    assert embedded.destroy(home) is True
    assert embedded.destroy(home) is False
    assert not server.data_dir.parent.exists()
    assert [path.name for path in home.iterdir()] == ["pg.lock"]


def test_a_moved_home_finds_its_data_again(home: Path) -> None:
    embedded.start(home)
    embedded.ensure_database(home, "churn")
    embedded.stop(home)
    moved = home.with_name("moved")
    home.rename(moved)
    embedded.start(moved)
    assert _query(moved, "select current_database()", "churn") == ["churn"]
    embedded.destroy(moved)


# ---------------------------------------------------------------- doors


def test_no_folder_that_is_not_ours_changes_mode_or_owner(home: Path) -> None:
    home.mkdir()
    home.chmod(0o711)
    package = Path(sys.prefix)
    others = [home, *home.parents, package, *package.parents, Path("/var/lib")]

    def modes() -> list[tuple[int, int, int]]:
        return [(found.st_mode, found.st_uid, found.st_gid) for found in map(os.stat, others)]

    before = modes()
    assert stat.S_IMODE(home.parent.stat().st_mode) == 0o700
    embedded.start(home, tcp_port=_free_port())
    embedded.stop(home)
    assert modes() == before


def test_every_folder_and_secret_of_ours_is_closed_to_others(home: Path) -> None:
    server = embedded.start(home)
    embedded.ensure_database(home, "churn")
    _query(home, "create role bi_reader")
    embedded.set_login(home, "bi_reader")
    for path in (server.data_dir, server.socket_dir, server.log_dir):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    secret_files = [path for path in home.iterdir() if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret_files} == {0o600}
    assert _query(home, "show listen_addresses") == [""]


@only_as_root
def test_another_user_can_reach_neither_the_socket_nor_the_data(home: Path) -> None:
    server = embedded.start(home)
    script = """
        import socket, sys
        from pathlib import Path
        for attempt in (lambda: socket.socket(socket.AF_UNIX).connect(sys.argv[1]),
                        lambda: list(Path(sys.argv[2]).iterdir())):
            try:
                attempt()
            except PermissionError:
                print("refused")
    """
    nobody = pwd.getpwnam("nobody")
    name = server.socket_dir / f".s.PGSQL.{server.port}"
    options: dict[str, Any] = {"user": nobody.pw_uid, "group": nobody.pw_gid, "cwd": "/"}
    done = _python(script, str(name), str(server.data_dir), python=_python_for(options), **options)
    assert done.stdout == "refused\nrefused\n", done.stderr


@only_as_root
def test_whoever_is_not_the_owner_is_refused_even_at_the_socket(home: Path) -> None:
    server = embedded.start(home)
    account = server.data_dir.stat()
    command = embedded.psql_command(home, "postgres")
    done = subprocess.run(
        [*command, "-c", "select 1"],
        user=account.st_uid,
        group=account.st_gid,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "Peer authentication failed" in done.stderr


def test_tcp_is_for_this_machine_and_for_passwords_alone(home: Path) -> None:
    port = _free_port()
    embedded.start(home, tcp_port=port)
    _query(home, "create role bi_reader")
    embedded.set_login(home, "bi_reader", "a right 'password'")
    url = embedded.database_url(home, "postgres", "bi_reader", libpq=True, tcp=True)
    assert url == f"postgresql://bi_reader@127.0.0.1:{port}/postgres"

    with closing(psycopg2.connect(url, password="a right 'password'")) as connection:
        assert connection.info.user == "bi_reader"
    for wrong in ("a wrong password", ""):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(url, password=wrong)
    with pytest.raises(psycopg2.OperationalError, match=r"pg_hba\.conf rejects connection"):
        psycopg2.connect(url.replace("bi_reader", "postgres"), password="a right 'password'")
    assert _query(home, "show listen_addresses") == ["127.0.0.1"]
    stored = _query(home, "select rolpassword from pg_authid where rolname = 'bi_reader'")
    assert stored[0].startswith("SCRAM-SHA-256$")


def test_the_port_is_remembered_and_can_be_closed_again(home: Path) -> None:
    port = _free_port()
    assert embedded.allow_tcp(home, port).tcp_port == port
    embedded.stop(home)
    assert embedded.start(home).tcp_port == port
    assert embedded.allow_tcp(home, None).tcp_port is None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    with pytest.raises(ConfigError, match="does not listen"):
        embedded.database_url(home, "postgres", tcp=True)


def test_a_port_in_use_is_refused_before_the_server_is_touched(home: Path) -> None:
    embedded.start(home)
    pid = _pid(home)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match="in use by another program"):
            embedded.allow_tcp(home, taken.getsockname()[1])
    assert _pid(home) == pid


def test_a_change_of_port_does_not_cut_off_a_job(home: Path) -> None:
    embedded.start(home)
    with (
        closing(psycopg2.connect(embedded.database_url(home, "postgres", libpq=True))) as job,
        pytest.raises(TransientError, match=r"1 session\(s\) are open"),
    ):
        embedded.allow_tcp(home, _free_port())
    assert job.closed


# ---------------------------------------------------------------- databases and passwords


def test_names_are_quoted_and_databases_made_once(server_home: Path) -> None:
    name = 'it\'s a "night"; drop table x; ñ/%20'
    for _ in range(2):
        embedded.ensure_database(server_home, name)
    assert _query(server_home, "select current_database()", name) == [name]
    assert _query(server_home, "select datlocale from pg_database where datname = current_database()") == ["C.UTF-8"]


def test_psql_and_other_programs_get_an_address_that_works(server_home: Path) -> None:
    command = [*embedded.psql_command(server_home, "postgres"), "-XAtc", "select current_user"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "postgres\n"


def test_a_generated_password_is_kept_for_the_owner_and_is_in_no_log(home: Path) -> None:
    server = embedded.start(home)
    _query(home, "create role bi_reader")
    embedded.set_login(home, "bi_reader")
    password = embedded.login_password(home, "bi_reader")
    assert len(password) >= 24
    embedded.stop(home)
    logs = [path.read_text() for path in server.log_dir.iterdir()]
    assert logs
    assert not any(password in log or "SCRAM-SHA-256$" in log for log in logs)
    assert password not in embedded.database_url(home, "postgres", "bi_reader")


def _ways_past(url: str) -> list[str]:
    """Which of the statements that would take room on the disk a login gets away with."""
    found = []
    ways = ("create temporary table t (n int)", "select lo_create(0)", "select lo_creat(-1)",
            "select lo_from_bytea(0, 'x')", "select lo_import('/etc/hosts')", "select lo_put(1, 0, 'x')",
            "select lowrite(1, 'x')")  # fmt: skip
    with closing(psycopg2.connect(url)) as session:
        session.autocommit = True
        for way in ways:
            with session.cursor() as cursor:
                cursor.execute("set default_transaction_read_only = off")
                try:
                    cursor.execute(way)
                except psycopg2.errors.InsufficientPrivilege:
                    continue
                found.append(way)
    return found


def test_a_reader_of_the_embedded_server_has_limits_and_no_room_of_its_own(home: Path) -> None:
    settings = Settings(base_dir=home.parent)
    embedded.start(home, tcp_port=_free_port())
    for name in ("warehouse", "others"):
        embedded.ensure_database(home, name)
    _query(home, "create role bi_reader")
    _query(home, "create role marketing_reader")
    _query(home, "create table kept as select 1 as n", "warehouse")
    for role in ("bi_reader", "marketing_reader"):
        url = address(settings, None, role)
        with closing(psycopg2.connect(url)) as session, session.cursor() as cursor:
            for setting, wanted in READER_LIMITS.items():
                cursor.execute(f"show {setting}")
                assert cursor.fetchone() == ({"60s": "1min"}.get(wanted, wanted),)
        assert _ways_past(url) == []
        for other in ("others", "postgres", "template1"):
            with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
                psycopg2.connect(url.replace("/warehouse", f"/{other}"))
    assert _query(home, "show default_transaction_read_only", "warehouse") == ["off"]
    assert _query(home, "create temporary table t as select lo_create(0) as n; select n > 0 from t") == [True]
    embedded.ensure_database(home, "later")
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(url.replace("/warehouse", "/later"))


def test_starting_with_a_port_limits_the_logins_of_an_earlier_release_and_lets_them_in(home: Path) -> None:
    port = _free_port()
    embedded.start(home, tcp_port=port)
    embedded.ensure_database(home, "warehouse")
    _query(home, "grant connect, temporary on database warehouse to public")
    for role in ("bi_reader", "churn_job"):
        _query(home, f"create role {role}")
        embedded.set_login(home, role)
    close_doors(Settings(base_dir=home.parent))
    close_doors(Settings(base_dir=home.parent))
    for role, read_only in (("bi_reader", "on"), ("churn_job", "off")):
        url = embedded.database_url(home, "warehouse", role, libpq=True, tcp=True)
        with closing(psycopg2.connect(url, password=embedded.login_password(home, role))) as session:
            cursor = session.cursor()
            cursor.execute("show default_transaction_read_only")
            assert cursor.fetchone() == (read_only,)
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute("set transaction read write; create temporary table t (n int)")


def test_a_password_for_a_role_that_does_not_exist_is_refused_without_showing_it(server_home: Path) -> None:
    with pytest.raises(WarehouseError, match="no role nobody_here") as caught:
        embedded.set_login(server_home, "nobody_here", "very-secret")
    assert "very-secret" not in str(caught.value)
    with pytest.raises(WarehouseError, match="No password was set"):
        embedded.login_password(server_home, "nobody_here")


def test_a_template_is_made_once_and_each_copy_stands_alone(make_template: Any, make_database: Any) -> None:
    filled: list[str] = []

    def fill(url: str) -> None:
        filled.append(url)
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text("create table facts as select 1 as n"))

    name = make_template("embedded_template", fill)
    assert make_template("embedded_template", fill) == name
    assert len(filled) <= 1
    for _ in range(2):
        engine = create_engine(make_database(name), poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text("insert into facts values (2)"))
            assert connection.execute(text("select sum(n) from facts")).scalar_one() == 3


# ---------------------------------------------------------------- root and ordinary users


@only_as_root
def test_a_home_that_was_deleted_begins_with_an_empty_database(home: Path) -> None:
    embedded.start(home)
    embedded.ensure_database(home, "churn")
    old = _pid(home)
    shutil.rmtree(home)
    server = embedded.start(home)
    assert _pid(home) != old
    assert _query(home, "select count(*) from pg_database where datname = 'churn'") == [0]
    shutil.rmtree(server.data_dir.parent.with_name(f"{server.data_dir.parent.name}.removed"))


@only_as_root
def test_a_copied_home_does_not_share_the_database_of_its_original(home: Path) -> None:
    embedded.start(home)
    copy = home.with_name("copy")
    shutil.copytree(home, copy)
    with pytest.raises(WarehouseError, match="is a copy of"):
        embedded.start(copy)


_ORDINARY = """
    import json, os, signal, stat, subprocess, sys
    from pathlib import Path
    from churn import embedded
    home = Path(sys.argv[1])
    embedded.start(home)
    embedded.ensure_database(home, "churn")
    os.kill(embedded.status(home).pid, signal.SIGKILL)
    server = embedded.start(home)
    shown_by_psql = [*embedded.psql_command(home, "churn"), "-XAtc", "select current_database()"]
    assert subprocess.run(shown_by_psql, capture_output=True, text=True, check=True).stdout == "churn\\n"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (home / "pg", server.data_dir, server.socket_dir)]
    shown = {"data": str(server.data_dir), "socket": str(server.socket_dir), "modes": modes}
    shown["same"] = embedded.start(home) == server
    embedded.stop(home)
    shown["after_stop"] = embedded.start(home).socket_dir == server.socket_dir
    embedded.destroy(home)
    print(json.dumps(shown))
"""


def _as_ordinary_user(folder: Path) -> dict[str, Any]:
    options: dict[str, Any] = {"cwd": "/"}
    if _AS_ROOT:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        options |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        options |= {"python": _python_for(options), "path": _PACKAGES}
    done = _python(_ORDINARY, str(folder / ".churn"), **options)
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


@pytest.fixture
def make_folder() -> Iterator[Callable[[str], Path]]:
    made: list[str] = []

    def make(prefix: str) -> Path:
        made.append(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
        return Path(made[-1])

    yield make
    for folder in made:
        shutil.rmtree(folder)


def test_an_ordinary_user_keeps_everything_under_the_home(make_folder: Callable[[str], Path]) -> None:
    folder = make_folder("churn-user-")
    shown = _as_ordinary_user(folder)
    assert shown["data"] == str(folder / ".churn" / "pg" / "data")
    assert shown["socket"] == str(folder / ".churn" / "pg" / "socket")
    assert shown["modes"] == [0o700, 0o700, 0o700]
    assert shown["same"]


def test_a_home_too_deep_for_a_socket_gets_a_short_private_one(make_folder: Callable[[str], Path]) -> None:
    shown = _as_ordinary_user(make_folder("churn-deep-" + "x" * 120))
    assert len(shown["socket"]) < 40
    assert shown["modes"][2] == 0o700
    assert shown["after_stop"]
    assert not Path(shown["socket"]).exists()
