"""How an alert reads: as a message of a chat, and as a mail."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from churn.alerts.book import OpenAlert
from churn.alerts.causes import FAIL

MOST_ITEMS = 20
_LONGEST_BLOCK = 2900
_LONGEST_SUBJECT = 140
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a mail.

    Attributes
    ----------
    name : str
    media_type : str
        Such as text/html.
    content : bytes
    """

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Message:
    """One message: everything that a channel does not know yet.

    Attributes
    ----------
    subject : str
        One line, without control characters.
    items : tuple of (str, str)
        Headline and text of each.
    left_out : int
        Items beyond `MOST_ITEMS`.
    attachments : tuple of Attachment
        Only mails have them.
    """

    subject: str
    items: tuple[tuple[str, str], ...]
    left_out: int = 0
    attachments: tuple[Attachment, ...] = ()

    @property
    def text(self) -> str:
        """Return it as plain text."""
        parts = [f"{headline}\n{text}" for headline, text in self.items]
        return "\n\n".join([*parts, *self._rest()]) + "\n"

    @property
    def payload(self) -> dict[str, Any]:
        """Return it as an incoming webhook takes it (Slack's Block Kit); nothing in it addresses anybody."""
        blocks: list[dict[str, Any]] = [
            {"type": "header", "text": {"type": "plain_text", "text": self.subject, "emoji": False}}
        ]
        blocks += [_section(f"*{_safe(headline)}*\n{_safe(text)}") for headline, text in self.items]
        blocks += [_section(_safe(rest)) for rest in self._rest()]
        return {"text": _safe(self.subject), "blocks": blocks}

    def _rest(self) -> list[str]:
        return [f"And {self.left_out} more: `churn status` has them all."] if self.left_out else []


def message_of(told: Sequence[OpenAlert], host: str) -> Message:
    """Put everything that a channel is to be told into one message: failures, then warnings, then recoveries."""
    ordered = sorted(told, key=lambda alert: (alert.closed_at is not None, alert.severity, alert.alert_id))
    items = tuple((_headline(alert), _text(alert)) for alert in ordered[:MOST_ITEMS])
    return Message(_subject(ordered, host), items, max(0, len(ordered) - MOST_ITEMS))


def one_line(text: str) -> str:
    """Return a text without line ends and other control characters, fit for a header."""
    return _CONTROL.sub(" ", text).strip()


def _headline(alert: OpenAlert) -> str:
    if alert.closed_at is not None:
        return f"Well again: {alert.title}"
    return f"{'FAILED' if alert.severity == FAIL else 'Warning'}: {alert.title}"


def _text(alert: OpenAlert) -> str:
    if alert.closed_at is not None:
        return f"It lasted from {alert.opened_at:%Y-%m-%d %H:%M} to {alert.closed_at:%Y-%m-%d %H:%M} UTC."
    return alert.detail


def _subject(ordered: Sequence[OpenAlert], host: str) -> str:
    if len(ordered) == 1:
        return f"churn on {host}: {one_line(_headline(ordered[0]))}"[:_LONGEST_SUBJECT]
    open_ones = [alert for alert in ordered if alert.closed_at is None]
    counts = {
        "failed": sum(alert.severity == FAIL for alert in open_ones),
        "to look at": sum(alert.severity != FAIL for alert in open_ones),
        "well again": len(ordered) - len(open_ones),
    }
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return f"churn on {host}: {said}"[:_LONGEST_SUBJECT]


def _safe(text: str) -> str:
    return html.escape(text, quote=False)


def _section(text: str) -> dict[str, Any]:
    shown = text if len(text) <= _LONGEST_BLOCK else text[:_LONGEST_BLOCK] + " …"
    return {"type": "section", "text": {"type": "mrkdwn", "text": shown}}
