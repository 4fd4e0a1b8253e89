"""What the sections about a database share: its address, the file that holds it, and how the way there is encrypted."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from churn.config.basics import Section

SYSTEM_CERTIFICATES = "system"
"""What `tls_root_certificate` is called where the certificates that the system trusts are meant."""

Tls = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]


class DatabaseSection(Section):
    """Address of a Postgres database, and how the connection to it is encrypted."""

    url: SecretStr | None = Field(None, description="URL of a Postgres database.")
    url_file: Path | None = Field(None, description="File that holds that URL, instead of `url`.")
    tls: Tls | None = Field(
        None,
        description="Encryption of the connection, as libpq's `sslmode`; default what the URL says, else `prefer`. "
        "Only `verify-full` makes sure who answers.",
    )
    tls_root_certificate: str | None = Field(
        None,
        min_length=1,
        description="File of the authority whose certificates `verify-ca` and `verify-full` believe; `system`: those "
        "that this system trusts.",
    )

    @model_validator(mode="after")
    def _certificate_is_looked_at(self) -> DatabaseSection:
        if self.tls_root_certificate is None:
            return self
        if self.tls not in ("verify-ca", "verify-full"):
            raise ValueError("tls_root_certificate is only looked at with tls = 'verify-ca' or 'verify-full'")
        if self.tls_root_certificate == SYSTEM_CERTIFICATES and self.tls != "verify-full":
            raise ValueError("tls_root_certificate = 'system' asks for tls = 'verify-full'")
        return self
