"""Configuration of the embedded server: a batch job's memory, and a closed door to everyone but its owner."""

from __future__ import annotations

import os
from pathlib import Path

SOCKET_PORT = 5432
"""Port number in the socket's file name while TCP is off."""

IDENT_MAP = "churn"
_MB = 1024 * 1024
_SMALL_SHARED_MEMORY_BYTES = 512 * _MB
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 # nosec B108 # only its size is read
_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))

_SCRAM = "scram-sha-256"


def memory_bytes() -> int:
    """Memory that this machine or container has, in bytes."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _CGROUP_LIMITS:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            found.append(int(text))
    return min(found)


def server_settings(
    *, memory: int, socket_dir: Path, log_dir: Path, conf_dir: Path, tcp_port: int | None
) -> dict[str, str]:
    """Choose the settings for a nightly batch job on its own machine.

    Parameters
    ----------
    memory : int
        Bytes of memory to share with everything else on the machine.
    socket_dir, log_dir, conf_dir : Path
        Where the socket, the log files and the access rules are.
    tcp_port : int or None
        Port on 127.0.0.1, or None for no TCP at all.
    """
    listening = {
        "listen_addresses": "127.0.0.1" if tcp_port else "",
        "port": str(tcp_port or SOCKET_PORT),
        "unix_socket_directories": _quoted_in_list(socket_dir),
        "unix_socket_permissions": "0700",
        "password_encryption": _SCRAM,
        "hba_file": str(conf_dir / "pg_hba.conf"),
        "ident_file": str(conf_dir / "pg_ident.conf"),
        "ssl": "off",
    }
    return {**listening, **_batch_settings(memory), **_log_settings(log_dir)}


def _batch_settings(memory: int) -> dict[str, str]:
    return {
        "max_connections": "60",
        "max_locks_per_transaction": "512",
        "shared_buffers": _megabytes(memory // 32, 64, 512),
        "work_mem": _megabytes(memory // 64, 8, 64),
        "maintenance_work_mem": _megabytes(memory // 32, 64, 512),
        "effective_cache_size": _megabytes(memory // 2, 128, 64 * 1024),
        "dynamic_shared_memory_type": _dynamic_shared_memory(),
        "jit": "off",
        "random_page_cost": "1.1",
        "fsync": "on",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "timezone": "UTC",
        "lc_messages": "C",
    }


def _log_settings(log_dir: Path) -> dict[str, str]:
    """One file a weekday, overwritten a week later; no statements and no row values: no customer's data."""
    return {
        "logging_collector": "on",
        "log_directory": str(log_dir),
        "log_filename": "postgresql-%a.log",
        "log_file_mode": "0600",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_truncate_on_rotation": "on",
        "log_timezone": "UTC",
        "log_statement": "none",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_checkpoints": "off",
    }


def render(settings: dict[str, str]) -> str:
    """Text of a `postgresql.conf`, every value quoted."""
    lines = [f"{name} = '{_escaped(value)}'" for name, value in settings.items()]
    return "\n".join(["# Written by churn at every start: changes here are lost.", *lines, ""])


def access_rules(tcp_port: int | None) -> str:
    """Text of `pg_hba.conf`: the owner by the socket; over TCP only passwords, this machine, no superuser."""
    rules = [f"local all all peer map={IDENT_MAP}"]
    if tcp_port:
        rules += ["host all postgres all reject", "host all all 127.0.0.1/32 scram-sha-256"]
    return "\n".join([*rules, ""])


def identities(owner: str) -> str:
    """Text of `pg_ident.conf`: the owning account may take any role, everyone else none."""
    name = owner.replace('"', '""')
    return f'{IDENT_MAP} "{name}" all\n'


def _megabytes(amount: int, least: int, most: int) -> str:
    return f"{max(least, min(most, amount // _MB))}MB"


def _dynamic_shared_memory() -> str:
    """`posix`, unless /dev/shm is as small as containers make it and parallel queries would run out of it."""
    try:
        room = os.statvfs(_SHARED_MEMORY)
    except OSError:
        return "posix"
    return "posix" if room.f_blocks * room.f_frsize >= _SMALL_SHARED_MEMORY_BYTES else "sysv"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


def _quoted_in_list(path: Path) -> str:
    quoted = str(path).replace('"', '""')
    return f'"{quoted}"'
