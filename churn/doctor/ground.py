"""What can be said without a database: the configuration, this machine, and whether anybody would be told."""

from __future__ import annotations

import shutil
import socket
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from churn.alerts import channels_of
from churn.config import CONFIG_FILE, Settings
from churn.config.addresses import webhook_trouble
from churn.config.secrets import open_to_others
from churn.connections import EMBEDDED_SCHEME
from churn.doctor.findings import Finding
from churn.errors import ModelError
from churn.risk.boosting import lightgbm

FEWEST_FREE_BYTES = 2 * 1024**3
_PATIENCE_SECONDS = 3.0


def ground_findings(settings: Settings) -> list[Finding]:
    """Look at the configuration and at this machine."""
    return [*_configuration(settings), *_secrets(settings), *_lightgbm(), *_disk(settings), *_alerts(settings)]


def _configuration(settings: Settings) -> list[Finding]:
    return [
        Finding(
            "ok",
            f"configuration: churn by {'contract' if settings.churn.definition == 'contractual' else 'inactivity'}, "
            f"horizon {settings.churn.horizon_days} days, {settings.business.timezone}, {settings.business.currency}",
        )
    ]


def _secrets(settings: Settings) -> list[Finding]:
    config = settings.base_dir / CONFIG_FILE if _writes_secrets(settings) else None
    return [
        Finding("warn", f"configuration: {file} holds a secret and everybody here may read it", f"chmod 600 {file}")
        for file in open_to_others(settings, config)
    ]


def _writes_secrets(settings: Settings) -> bool:
    """Whether anything that may stand in churn.toml is a secret: an address without a password is none."""
    databases = (settings.source.url, settings.warehouse.url, settings.activation.url)
    passwords = [urlsplit(url.get_secret_value()).password for url in databases if url is not None]
    others = (settings.alerts.webhook_url, settings.alerts.smtp_password, settings.forget.key, settings.dashboard.token)
    return any(passwords) or any(secret is not None for secret in others)


def _lightgbm() -> list[Finding]:
    try:
        lightgbm()
    except ModelError as error:
        return [Finding("fail", error.message, error.hint, error.exit_code)]
    return [Finding("ok", "LightGBM and the system's OpenMP library are there")]


def _disk(settings: Settings) -> list[Finding]:
    """Look at the disk that the embedded Postgres writes to; of another server's, nobody can ask."""
    url = settings.warehouse.url
    if url is not None and not url.get_secret_value().startswith(EMBEDDED_SCHEME):
        return []
    folder = _existing(settings.home)
    free = shutil.disk_usage(folder).free
    what = f"disk: {free / 1024**3:,.1f} GB free for the embedded Postgres in {settings.home}"
    if free < FEWEST_FREE_BYTES:
        return [Finding("warn", what, "Make room, or move the folder: a full disk stops every night.")]
    return [Finding("ok", what)]


def _existing(folder: Path) -> Path:
    return folder if folder.exists() or folder == folder.parent else _existing(folder.parent)


# --- alerts -------------------------------------------------------------------------------------------------------


def _alerts(settings: Settings) -> list[Finding]:
    """Say who would be told, and whether their server answers at all; nothing is sent."""
    if not channels_of(settings):
        return [
            Finding(
                "warn",
                "alerts: nobody is told when a night fails",
                "Set alerts.webhook_url, or alerts.smtp_host with mail_from and mail_to.",
            )
        ]
    return [*_webhook(settings), *_mail(settings)]


def _webhook(settings: Settings) -> list[Finding]:
    if settings.alerts.webhook_url is None:
        return []
    url = settings.alerts.webhook_url.get_secret_value()
    if trouble := webhook_trouble(url):
        return [Finding("fail", f"alerts: {trouble}", "Correct it.", 10)]
    address = urlsplit(url)
    if address.scheme in urllib.request.getproxies():
        return [Finding("ok", "alerts: a webhook, by way of a proxy")]
    port = address.port or (443 if address.scheme == "https" else 80)
    return [_reached("alerts: a webhook", address.hostname or "", port, "alerts.webhook_url")]


def _mail(settings: Settings) -> list[Finding]:
    alerts = settings.alerts
    if alerts.smtp_host is None:
        return []
    what = f"alerts: mail to {len(alerts.mail_to)} by {alerts.smtp_host}:{alerts.smtp_port} ({alerts.smtp_tls})"
    return [_reached(what, alerts.smtp_host, alerts.smtp_port, "alerts.smtp_host, alerts.smtp_port")]


def _reached(what: str, host: str, port: int, keys: str) -> Finding:
    try:
        socket.create_connection((host, port), timeout=_PATIENCE_SECONDS).close()
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no answer in time"
        return Finding("warn", f"{what}; it can't be reached from here: {reason}", f"Check {keys} and the network.")
    return Finding("ok", f"{what}; it answers (nothing was sent)")
