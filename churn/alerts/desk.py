"""The desk that tells: by `ops.alerts` where the warehouse can be reached, by a file of this machine where not."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.engine import Connection

from churn.alerts import book, offline
from churn.alerts.causes import NEXT, Alert
from churn.alerts.channels import Channel, ChannelError, channels_of
from churn.alerts.messages import message_of
from churn.alerts.redaction import redacted_text
from churn.config import Settings
from churn.connections import open_warehouse
from churn.errors import ChurnError
from churn.ledger import Clock
from churn.terminal import progress_for
from churn.warehouse import Database

Work = Callable[[Connection], None]


@dataclass(frozen=True)
class Desk:
    """Enters causes and tells them, once each.

    Attributes
    ----------
    settings : Settings
    clock : callable
        Gives the current UTC time.
    """

    settings: Settings
    clock: Clock

    @property
    def host(self) -> str:
        """Name of this machine."""
        return socket.gethostname()

    def cleaned(self, alert: Alert) -> Alert:
        """Return an alert without secrets; the command to run next is our own and stays as it is."""
        what, mark, command = alert.detail.rpartition(NEXT)
        return replace(alert, detail=redacted_text(what, self.settings) + mark + command)

    def log(self, text: str) -> None:
        """Say something on stderr, as the job's own log does."""
        progress_for(sys.stderr, self.clock).note(redacted_text(text, self.settings))

    # ------------------------------------------------------------ with the warehouse

    def online(self, work: Work) -> None:
        """Enter in one transaction what `work` enters, then tell what somebody does not know yet.

        Raises
        ------
        ChurnError
            The warehouse can't be reached, or is of another release.
        """
        warehouse = open_warehouse(self.settings, job="alerts")
        self._enter_kept(warehouse)
        with warehouse.begin() as connection:
            work(connection)
        channels = channels_of(self.settings)
        if channels:
            with warehouse.begin() as connection:
                self._tell(connection, channels)

    def _enter_kept(self, warehouse: Database) -> None:
        """Enter what was told while the warehouse could not be reached."""
        home = self.settings.home
        if not offline.kept_alerts(home):
            return
        try:
            with offline.one_at_a_time(home):
                with warehouse.begin() as connection:
                    for kept in offline.kept_alerts(home):
                        book.take_over(connection, kept.alert, opened_at=kept.opened_at, sent_to=kept.sent_to)
                offline.keep(home, [])
        except OSError as error:
            self.log(f"{home / offline.FILE} can't be written: {error.strerror}.")

    def _tell(self, connection: Connection, channels: Sequence[Channel]) -> None:
        """Tell each channel what it does not know; what it can't be told stays to be told with the next run."""
        at = self.clock()
        found = book.untold(connection, [channel.name for channel in channels], at=at)
        for channel in channels:
            owed = [alert for alert in found if alert.word_for(channel.name)]
            if owed and self._sent(channel, owed, at):
                for alert in owed:
                    book.mark_told(connection, alert, alert.word_for(channel.name) or channel.name)

    def _sent(self, channel: Channel, told: Sequence[book.OpenAlert], at: datetime) -> bool:
        try:
            channel.send(message_of(told, self.host), at=at.timestamp())
        except ChannelError as error:
            self.log(f"The {channel.name} did not take an alert: {error}. It is tried again with the next run.")
            return False
        return True

    # ------------------------------------------------------------ without

    def tell_offline(self, alert: Alert) -> None:
        """Tell a cause that the file of this machine does not hold yet, and keep it there."""
        home = self.settings.home
        try:
            with offline.one_at_a_time(home):
                kept = {one.alert.cause: one for one in offline.kept_alerts(home)}
                before = kept.get(alert.cause) or offline.KeptAlert(alert, self.clock(), ())
                kept[alert.cause] = self._told(before)
                offline.keep(home, list(kept.values()))
        except OSError as error:
            self.log(f"{home / offline.FILE} can't be written: {error.strerror}. The next run tells this again.")
            self._told(offline.KeptAlert(alert, self.clock(), ()))

    def _told(self, kept: offline.KeptAlert) -> offline.KeptAlert:
        at, alert = self.clock(), kept.alert
        row = book.OpenAlert(
            0, alert.cause, alert.severity, alert.title, alert.detail, kept.opened_at, at, None, kept.sent_to
        )
        owing = [channel for channel in channels_of(self.settings) if row.word_for(channel.name)]
        sent = [channel.name for channel in owing if self._sent(channel, [row], at)]
        return replace(kept, sent_to=(*kept.sent_to, *sent))

    def tell(self, work: Work, without_warehouse: Callable[[], Alert | None]) -> None:
        """Tell with the warehouse, or without it where it can't be reached."""
        try:
            self.online(work)
        except ChurnError as trouble:
            alert = without_warehouse()
            if alert is None:
                self.log(f"Alerts can't be kept: {trouble}")
            else:
                self.tell_offline(self.cleaned(alert))
