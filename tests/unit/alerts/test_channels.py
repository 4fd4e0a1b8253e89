"""The ways out: what arrives, what counts as arrived, and what no error repeats."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from churn.alerts.book import OpenAlert
from churn.alerts.channels import ChannelError, Mail, Webhook, channels_of
from churn.alerts.messages import MOST_ITEMS, Message, message_of
from churn.config import Settings
from tests.alert_servers import mailbox, webhook

AT = datetime(2026, 11, 3, 3, 20, tzinfo=UTC)
HOST = "night-1"
SENDER = "night@example.com"
RECEIVERS = ("ada@example.com", "bob@example.com")


def alert(number: int = 1, *, severity: str = "fail", closed: bool = False, title: str = "It failed") -> OpenAlert:
    return OpenAlert(
        number, f"cause {number}", severity, title, "What.\nWhere: here.\nNext: churn doctor", AT, AT,
        AT if closed else None, (),
    )  # fmt: skip


MESSAGE = message_of([alert()], HOST)


def mail(port: int, *, tls: str = "none", login=None, sender: str = SENDER, receivers=RECEIVERS, host="127.0.0.1"):
    return Mail(host, port, tls, login, sender, receivers, 5)


# --- webhook ------------------------------------------------------------------------------------------------------


def test_a_webhook_gets_text_and_blocks():
    with webhook() as hook:
        Webhook(hook.url, 5).send(MESSAGE, at=AT.timestamp())
    (payload,), (headers,) = hook.posted, hook.headers
    assert payload["text"] == "churn on night-1: FAILED: It failed"
    assert [block["type"] for block in payload["blocks"]] == ["header", "section"]
    assert payload["blocks"][1]["text"]["text"] == "*FAILED: It failed*\nWhat.\nWhere: here.\nNext: churn doctor"
    assert headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize("answer", [301, 302, 307, 308, 400, 404, 500])
def test_only_an_answer_of_2xx_counts_and_a_redirect_is_not_followed(answer):
    with webhook() as hook, webhook() as elsewhere:
        hook.answer, hook.location = answer, elsewhere.url if answer < 400 else ""
        with pytest.raises(ChannelError, match=str(answer)) as caught:
            Webhook(hook.url, 5).send(MESSAGE, at=0)
    assert (len(hook.posted), elsewhere.headers) == (1, [])
    assert "the-hook-secret" not in str(caught.value)


def test_a_webhook_that_does_not_answer_in_time_is_given_up():
    with webhook() as hook:
        hook.pause_seconds = 10
        with pytest.raises(ChannelError, match="in time"):
            Webhook(hook.url, 1).send(MESSAGE, at=0)


@pytest.mark.parametrize(
    "url",
    [
        "file:/" + "//etc/passwd",
        "ftp://127.0.0.1/secret-x",
        "http://hooks.example.com/secret-x",
        "https:///secret-x",
        "https://[secret-x",
        "http://127.0.0.1:1/secret x",
        "http://127.0.0.1:1/secret\r\n-x",
        "http://127.0.0.1:1/secret-x",
        "https://127.0.0.1:1/secret-x",
        "https://no-such-host.invalid/secret-x",
    ],
)
def test_an_address_that_can_not_be_used_is_an_error_without_the_address(url):
    with pytest.raises(ChannelError) as caught:
        Webhook(url, 2).send(MESSAGE, at=0)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_server_without_a_certificate_that_is_believed_gets_nothing():
    with webhook() as hook, pytest.raises(ChannelError):
        Webhook(hook.url.replace("http://", "https://"), 2).send(MESSAGE, at=0)
    assert hook.posted == []


# --- mail ---------------------------------------------------------------------------------------------------------


def test_a_mail_arrives_whole():
    with mailbox() as box:
        mail(box.port).send(MESSAGE, at=AT.timestamp())
    (got,) = box.mails
    assert (got["Subject"], got["From"], got["To"]) == (MESSAGE.subject, SENDER, ", ".join(RECEIVERS))
    assert got["Date"].startswith("Tue, 03 Nov 2026 03:20:00")
    assert got.get_content().replace("\r\n", "\n") == MESSAGE.text


@pytest.mark.parametrize(
    ("sender", "receivers"),
    [
        ("night@example.com\r\nBcc: eve@example.com", RECEIVERS),
        (SENDER, ("ada@example.com\nBcc: eve@example.com",)),
        (SENDER, ("ada@example.com, eve@example.com",)),
        (SENDER, ("ada@example.com,eve",)),
        (SENDER, ("ada",)),
        (SENDER, ()),
        ("", RECEIVERS),
    ],
)
def test_addresses_that_add_headers_or_receivers_are_refused(sender, receivers):
    with mailbox() as box, pytest.raises(ChannelError, match="mail_from"):
        mail(box.port, sender=sender, receivers=receivers).send(MESSAGE, at=0)
    assert box.heard == []


def test_a_title_with_line_ends_adds_no_header():
    with mailbox() as box:
        mail(box.port).send(message_of([alert(title="It\r\nBcc: eve@example.com\nfailed")], HOST), at=0)
    (got,) = box.mails
    assert got["Bcc"] is None
    assert got["Subject"] == "churn on night-1: FAILED: It Bcc: eve@example.com failed"


def test_one_receiver_who_is_refused_is_no_success():
    with mailbox(refused=("bob",)) as box, pytest.raises(ChannelError, match="1 of 2"):
        mail(box.port).send(MESSAGE, at=0)
    with mailbox(refused=("ada", "bob")) as box, pytest.raises(ChannelError, match="refused 2"):
        mail(box.port).send(MESSAGE, at=0)


def test_a_password_goes_over_encrypted_connections_or_stays_on_this_machine():
    login = ("night", "the-mail-secret")
    with mailbox() as box:
        mail(box.port, login=login).send(MESSAGE, at=0)
        assert any(command.startswith("AUTH") for command in box.heard)
        box.heard.clear()
        with pytest.raises(ChannelError) as caught:
            mail(box.port, login=login, tls="starttls").send(MESSAGE, at=0)
        assert not any(command.startswith("AUTH") for command in box.heard)
    assert "the-mail-secret" not in str(caught.value)
    with pytest.raises(ChannelError, match="unencrypted"):
        mail(25, login=login, host="mail.example.com").send(MESSAGE, at=0)


def test_a_mail_server_that_is_not_there_is_an_error():
    for tls in ("none", "starttls", "tls"):
        with pytest.raises(ChannelError, match="can't be reached"):
            mail(1, tls=tls).send(MESSAGE, at=0)


# --- configuration ------------------------------------------------------------------------------------------------


def test_channels_are_those_that_are_configured():
    assert channels_of(Settings()) == []
    told = {"webhook_url": "https://hooks.example.com/x", "smtp_host": "mail.example.com", "mail_from": SENDER,
            "mail_to": RECEIVERS}  # fmt: skip
    assert [channel.name for channel in channels_of(Settings(alerts=told))] == ["webhook", "mail"]


@pytest.mark.parametrize(
    "values",
    [
        {"webhook_url": "http://hooks.example.com/x"},
        {"webhook_url": "file:/" + "//x"},
        {"smtp_host": "mail.example.com"},
        {"smtp_host": "mail.example.com", "mail_from": SENDER, "mail_to": ("ada@example.com\nBcc: eve@x.org",)},
        {"smtp_host": "mail.example.com", "mail_from": SENDER, "mail_to": RECEIVERS, "smtp_user": "x",
         "smtp_tls": "none"},
    ],
)  # fmt: skip
def test_a_section_that_can_tell_nobody_is_refused_when_it_is_read(values):
    with pytest.raises(ValueError, match="alerts"):
        Settings(alerts=values)


# --- messages -----------------------------------------------------------------------------------------------------


def test_failures_come_first_and_recoveries_last():
    message = message_of([alert(1, closed=True), alert(2, severity="warn"), alert(3)], HOST)
    assert [headline for headline, _ in message.items] == [
        "FAILED: It failed", "Warning: It failed", "Well again: It failed"]  # fmt: skip
    assert message.subject == "churn on night-1: 1 failed, 1 to look at, 1 well again"


def test_nothing_in_a_message_addresses_anybody_and_no_limit_of_the_chat_is_passed():
    message = Message("s", (("<!channel> & <@U1>", "x" * 9000),), left_out=3)
    blocks = message.payload["blocks"]
    assert "<" not in str(blocks)
    assert all(len(block["text"]["text"]) <= 3000 for block in blocks)
    many = message_of([alert(number) for number in range(100)], HOST)
    assert (len(many.items), many.left_out) == (MOST_ITEMS, 100 - MOST_ITEMS)
    assert "80 more" in many.text
    assert len(many.payload["blocks"]) <= 50
