"""Which addresses of people and of other programs are used as they stand."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def webhook_trouble(url: str) -> str:
    """Say why an address is not one for a webhook; empty where it is."""
    try:
        parsed = urlsplit(url)
        host, _ = parsed.hostname, parsed.port
    except ValueError:
        return "alerts.webhook_url is no address"
    if parsed.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url:
        return "alerts.webhook_url is not an https address"
    if parsed.scheme == "http" and not is_this_machine(host):
        return "alerts.webhook_url is http: anybody on the way could read it; use https"
    return ""


def mail_trouble(sender: str, receivers: tuple[str, ...]) -> str:
    """Say why nobody can be written to; empty where all is well. An address with a line end could add headers."""
    if not sender or not receivers:
        return "alerts.mail_from and alerts.mail_to are needed beside alerts.smtp_host"
    if not all(_is_address(address) for address in (sender, *receivers)):
        return "alerts.mail_from and alerts.mail_to take plain addresses, such as night@example.com"
    return ""


def _is_address(text: str) -> bool:
    name, at, domain = text.partition("@")
    clean = text.isascii() and text.isprintable() and not set(text) & set(' ,;:<>()[]"\\')
    return bool(name and at and domain) and "@" not in domain and clean


def is_this_machine(host: str) -> bool:
    """Whether a name or address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
