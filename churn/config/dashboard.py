"""Section about the dashboard: where it listens, who may look, how long a look may take."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, field_validator

from churn.config.addresses import is_this_machine
from churn.config.basics import PositiveInt, Section

SHORTEST_TOKEN, LONGEST_TOKEN = 24, 1_000
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_LOCALE = re.compile(r"[a-z]{2,3}(_[A-Z][a-z]{3})?(_[A-Z]{2}|_[0-9]{3})?")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")


def _address(text: str) -> str:
    if text != "localhost":
        try:
            ipaddress.ip_address(text)
        except ValueError:
            raise ValueError("use an address such as 127.0.0.1, ::1 or 0.0.0.0, or localhost") from None
    return text


def _header(text: str) -> str:
    if not _HEADER.fullmatch(text):
        raise ValueError("use the name of an HTTP header, such as X-Forwarded-User")
    return text


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise ValueError("use networks such as 10.0.0.0/8 or 192.168.1.7/32") from None
    return text


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError("use names such as churn.example.com, without https:// and without a port")
    return text.lower()


def _locale(text: str) -> str:
    if not _LOCALE.fullmatch(text):
        raise ValueError("use a language and a country, such as en_GB")
    return text


class DashboardSection(Section):
    """The pages and the API of `churn serve`."""

    address: Annotated[str, AfterValidator(_address)] = Field(
        "127.0.0.1",
        description="Address that it listens on; any but this machine's own needs `token` or `user_header`.",
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(8050, description="Port that it listens on.")
    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = Field(
        (), description="Names by which readers reach it, beside this machine's own, such as `churn.example.com`."
    )
    token: SecretStr | None = Field(None, description="What a reader has to show, at least 24 characters.")
    token_file: Path | None = Field(None, description="File that holds it, instead of `token`.")
    user_header: Annotated[str, AfterValidator(_header)] | None = Field(
        None, description="Header in which a reverse proxy names the reader it has let in, such as `X-Forwarded-User`."
    )
    trusted_proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        ("127.0.0.1/32", "::1/128"), description="Networks of reverse proxies: their headers are believed."
    )
    locale: Annotated[str, AfterValidator(_locale)] = Field(
        "en_GB", description="How figures and dates are written, such as `en_GB` or `en_US`."
    )
    statement_timeout_seconds: PositiveInt = Field(
        10, le=600, description="Longest that one query of a page may take, in seconds."
    )
    cache_seconds: Annotated[float, Field(ge=0, le=300)] = Field(
        20.0, description="How long a page is given again as it was, unless a night was published meanwhile."
    )
    threads: PositiveInt = Field(8, le=64, description="Requests that are answered at the same time.")
    requests_per_minute: PositiveInt = Field(
        6000, description="Most requests of one client in a minute; this machine's own are not counted."
    )

    @field_validator("token")
    @classmethod
    def _long_enough(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None:
            text = token.get_secret_value()
            is_plain = text.isascii() and text.isprintable() and " " not in text
            if not (is_plain and SHORTEST_TOKEN <= len(text) <= LONGEST_TOKEN):
                raise ValueError(
                    f"a token has {SHORTEST_TOKEN} to {LONGEST_TOKEN:,} letters, digits and signs, and no space; "
                    "`openssl rand -hex 24` makes one"
                )
        return token

    @property
    def is_for_this_machine(self) -> bool:
        """Whether nobody but this machine can reach it."""
        return is_this_machine(self.address)

    @property
    def is_for_nobody_else(self) -> bool:
        """Whether nothing speaks for others reading along, such as through a proxy on this machine."""
        return self.is_for_this_machine and self.token is None and self.user_header is None and not self.hosts
