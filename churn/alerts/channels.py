"""The ways out: a webhook and a mail server. No address of a webhook and no password is in any error."""

from __future__ import annotations

import http.client
import json
import smtplib
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import IO, Protocol

import churn
from churn.alerts.messages import Message, one_line
from churn.config import Settings
from churn.config.addresses import is_this_machine, mail_trouble, webhook_trouble

WEBHOOK = "webhook"
MAIL = "mail"


class ChannelError(Exception):
    """A message did not arrive; says why, without secrets."""


class Channel(Protocol):
    """A way to tell somebody."""

    @property
    def name(self) -> str:
        """What `ops.alerts.sent_to` calls it."""

    def send(self, message: Message, *, at: float) -> None:
        """Send a message, or raise `ChannelError`; `at` is the time of sending in seconds since 1970."""


def channels_of(settings: Settings) -> list[Channel]:
    """Return the channels that are configured."""
    alerts = settings.alerts
    found: list[Channel] = []
    if alerts.webhook_url is not None:
        found.append(Webhook(alerts.webhook_url.get_secret_value(), alerts.timeout_seconds))
    if alerts.smtp_host is not None:
        password = alerts.smtp_password
        login = (alerts.smtp_user or "", password.get_secret_value() if password else "")
        found.append(
            Mail(
                alerts.smtp_host,
                alerts.smtp_port,
                alerts.smtp_tls,
                login if alerts.smtp_user else None,
                alerts.mail_from or "",
                alerts.mail_to,
                alerts.timeout_seconds,
            )
        )
    return found


# --- webhook ------------------------------------------------------------------------------------------------------


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A webhook that sends us elsewhere would get our message to somebody whom nobody named."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> None:
        """Follow nothing: the redirect becomes an error."""


@dataclass(frozen=True)
class Webhook:
    """An address that takes JSON by POST, as Slack's incoming webhooks do.

    Attributes
    ----------
    url : str
        A secret: whoever has it can write. `https`, or `http` on this machine.
    timeout_seconds : int
    """

    url: str
    timeout_seconds: int

    @property
    def name(self) -> str:
        """What `ops.alerts.sent_to` calls it."""
        return WEBHOOK

    def send(self, message: Message, *, at: float) -> None:
        """Post the message; only an answer of 2xx counts.

        Raises
        ------
        ChannelError
            Another answer, none in time, or an address that is not to be used.
        """
        if trouble := webhook_trouble(self.url):
            raise ChannelError(trouble)
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            self.url,
            data=json.dumps(message.payload).encode(),
            headers={"Content-Type": "application/json; charset=utf-8", "User-Agent": f"churn/{churn.__version__}"},
            method="POST",
        )
        opener = urllib.request.build_opener(
            _NoRedirect, urllib.request.HTTPSHandler(context=ssl.create_default_context())
        )
        try:
            with opener.open(request, timeout=self.timeout_seconds):
                return
        except urllib.error.HTTPError as error:
            error.close()
            raise ChannelError(f"it answered {error.code}") from None
        except urllib.error.URLError as error:
            raise ChannelError(f"it can't be reached: {_reason(error.reason)}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ChannelError(f"it can't be reached: {_reason(error)}") from None


# --- mail ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mail:
    """A mail server and whom to write to.

    Attributes
    ----------
    host, port
    tls : {"starttls", "tls", "none"}
    login : tuple of str or None
        User and password.
    sender : str
    receivers : tuple of str
    timeout_seconds : int
    """

    host: str
    port: int
    tls: str
    login: tuple[str, str] | None
    sender: str
    receivers: tuple[str, ...]
    timeout_seconds: int

    @property
    def name(self) -> str:
        """What `ops.alerts.sent_to` calls it."""
        return MAIL

    def send(self, message: Message, *, at: float) -> None:
        """Hand the mail to the server; every receiver must be taken.

        Raises
        ------
        ChannelError
            The server can't be reached, its certificate is not believed, or it refuses the login or a receiver.
        """
        if trouble := mail_trouble(self.sender, self.receivers):
            raise ChannelError(trouble)
        if self.login is not None and self.tls == "none" and not is_this_machine(self.host):
            raise ChannelError("alerts.smtp_tls = 'none' would send the password unencrypted")
        mail = self._mail(message, at)
        try:
            with self._connected() as server:
                if self.login is not None:
                    server.login(*self.login)
                refused = server.send_message(mail)
        except smtplib.SMTPResponseException as error:
            raise ChannelError(f"the mail server answered {error.smtp_code}") from None
        except smtplib.SMTPRecipientsRefused as error:
            raise ChannelError(f"the mail server refused {len(error.recipients)} receivers") from None
        except (OSError, smtplib.SMTPException) as error:
            raise ChannelError(f"the mail server can't be reached: {_reason(error)}") from None
        if refused:
            raise ChannelError(f"the mail server refused {len(refused)} of {len(self.receivers)} receivers")

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.tls == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout_seconds, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=self.timeout_seconds)
        if self.tls == "starttls":
            try:
                server.starttls(context=context)
            except (OSError, smtplib.SMTPException):
                server.close()
                raise
        return server

    def _mail(self, message: Message, at: float) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = one_line(message.subject)
        mail["From"] = self.sender
        mail["To"] = ", ".join(self.receivers)
        mail["Date"] = formatdate(at)
        mail["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        for attached in message.attachments:
            kind, _, subtype = attached.media_type.partition("/")
            mail.add_attachment(attached.content, maintype=kind, subtype=subtype, filename=attached.name)
        return mail


# --- both ---------------------------------------------------------------------------------------------------------


def _reason(error: object) -> str:
    """Name what went wrong by its kind, since its text may quote the address."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not believed ({error.verify_message})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
