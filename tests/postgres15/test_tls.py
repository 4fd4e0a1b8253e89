"""Encryption with a server that has it: the embedded Postgres comes without, so this runs on another one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa

from churn import embedded
from churn.config import Settings
from churn.connections import open_source
from churn.errors import SourceError
from tests.e2e.bad_input_source import free_port
from tests.other_server import VARIABLE

pytestmark = pytest.mark.skipif(
    VARIABLE not in os.environ or not shutil.which("openssl"), reason=f"{VARIABLE} or openssl is missing"
)


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a key and a certificate for localhost that stands for itself."""
    key, file = folder / f"{name}.key", folder / f"{name}.pem"
    made = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*made, *names, "-keyout", str(key), "-out", str(file)], check=True)
    return key, file


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int, Path]]:
    """Password of a login, port and certificate of a server with TLS."""
    folder = tmp_path_factory.mktemp("tls")
    home = folder / ".churn"
    server = embedded.start(home)
    try:
        key, file = certificate(folder, "server")
        owner = server.data_dir.stat()
        for path in (key, file):
            placed = server.data_dir / path.name
            shutil.copy(path, placed)
            placed.chmod(0o600)
            os.chown(placed, owner.st_uid, owner.st_gid)
        with closing(psycopg2.connect(embedded.database_url(home, "postgres", libpq=True))) as session:
            session.autocommit = True
            with session.cursor() as cursor:
                cursor.execute("create role clerk login")
                for name, value in {"ssl": "on", "ssl_key_file": "server.key", "ssl_cert_file": "server.pem"}.items():
                    cursor.execute(f"alter system set {name} = '{value}'")
        embedded.set_login(home, "clerk")
        listening = embedded.allow_tcp(home, free_port())
        assert listening.tcp_port is not None
        yield embedded.login_password(home, "clerk"), listening.tcp_port, file
    finally:
        embedded.destroy(home)


def is_encrypted(password: str, at: int, host: str = "localhost", **keys: Any) -> bool:
    """Whether the source's session is encrypted."""
    url = f"postgresql://clerk:{password}@{host}:{at}/postgres"
    source = open_source(Settings(source={"url": url, **keys}))
    with source.connect() as connection:
        return bool(connection.scalar(sa.text("select ssl from pg_stat_ssl where pid = pg_backend_pid()")))


def test_a_connection_is_encrypted_as_far_as_it_is_asked_for(port, tmp_path):
    password, at, authority = port
    _, stranger = certificate(tmp_path, "stranger")
    assert is_encrypted(password, at, tls="disable") is False
    assert is_encrypted(password, at, tls="require") is True
    assert is_encrypted(password, at, "127.0.0.1", tls="verify-ca", tls_root_certificate=str(authority)) is True
    assert is_encrypted(password, at, tls="verify-full", tls_root_certificate=str(authority)) is True
    for host, believed, mode in (("localhost", stranger, "verify-ca"), ("127.0.0.1", authority, "verify-full")):
        with pytest.raises(SourceError, match="No encrypted connection") as caught:
            is_encrypted(password, at, host, tls=mode, tls_root_certificate=str(believed))
        assert "source.tls_root_certificate" in caught.value.hint
        assert password not in str(caught.value)
