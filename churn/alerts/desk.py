"""The desk that tells: by `ops.alerts` where the warehouse can be reached, by a file of this machine where not."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.engine import Connection

from churn.alerts import book, memory, offline
from churn.alerts.causes import NEXT, Alert
from churn.alerts.channels import Channel, ChannelError, channels_of
from churn.alerts.memory import Mark, Memory
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
    _sent_here: list[Mark] = field(default_factory=list, init=False, repr=False)

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
            self._remember(warehouse)

    def _enter_kept(self, warehouse: Database) -> None:
        """Enter what was told while the warehouse could not be reached."""
        home = self.settings.home
        if not offline.kept_alerts(home) and not memory.remembered(home).marks:
            return
        try:
            with offline.one_at_a_time(home):
                known = memory.remembered(home)
                with warehouse.begin() as connection:
                    for mark in known.marks:
                        book.enter_word(connection, mark.alert_id, mark.cause, mark.word)
                    for kept in offline.kept_alerts(home):
                        book.take_over(connection, kept.alert, opened_at=kept.opened_at, sent_to=kept.sent_to)
                offline.keep(home, [])
                memory.remember(home, replace(known, marks=()))
        except OSError as error:
            self.log(f"{home / offline.FILE} can't be written: {error.strerror}.")

    def _tell(self, connection: Connection, channels: Sequence[Channel]) -> None:
        """Tell each channel what it does not know; what it can't be told stays to be told with the next run."""
        at = self.clock()
        found = book.untold(connection, [channel.name for channel in channels], at=at)
        for channel in channels:
            owed = [alert for alert in found if alert.word_for(channel.name)]
            if owed and self._sent(channel, owed, at):
                words = [(alert, alert.word_for(channel.name) or channel.name) for alert in owed]
                self._sent_here.extend(Mark(alert.alert_id, alert.cause, word) for alert, word in words)
                for alert, word in words:
                    book.mark_told(connection, alert, word)

    def _remember(self, warehouse: Database) -> None:
        """Keep on this machine what is open in the warehouse and told."""
        home = self.settings.home
        try:
            with offline.one_at_a_time(home):
                with warehouse.begin() as connection:
                    told = {one.cause: one.sent_to for one in book.open_alerts(connection) if one.sent_to}
                memory.remember(home, Memory(self.clock(), told))
        except OSError as error:
            self.log(f"{home / memory.FILE} can't be written: {error.strerror}.")

    def _sent(self, channel: Channel, told: Sequence[book.OpenAlert], at: datetime) -> bool:
        try:
            channel.send(message_of(told, self.host), at=at.timestamp())
        except ChannelError as error:
            self.log(f"The {channel.name} did not take an alert: {error}. It is tried again with the next run.")
            return False
        return True

    # ------------------------------------------------------------ without

    def tell_offline(self, alert: Alert | None) -> None:
        """Tell a cause that no channel knows yet, and keep it; of a success (None) keep that nothing is known open."""
        home, at = self.settings.home, self.clock()
        known, told = Memory().with_marks(self._sent_here), None
        try:
            with offline.one_at_a_time(home):
                known = memory.remembered(home).with_marks(self._sent_here)
                if alert is None:
                    memory.remember(home, replace(known, causes={}))
                    return
                memory.remember(home, known)
                kept = {one.alert.cause: one for one in offline.kept_alerts(home)}
                before = kept.get(alert.cause) or offline.KeptAlert(alert, at, ())
                kept[alert.cause] = told = self._told(before, known)
                offline.keep(home, list(kept.values()))
        except OSError as error:
            self.log(f"{home / offline.FILE} can't be written: {error.strerror}. The next run tells this again.")
            if alert is not None and told is None:
                self._told(offline.KeptAlert(alert, at, ()), known)

    def _told(self, kept: offline.KeptAlert, known: Memory) -> offline.KeptAlert:
        at, alert = self.clock(), kept.alert
        knowing = (*kept.sent_to, *known.knowing(alert.cause, at))
        row = book.OpenAlert(
            0, alert.cause, alert.severity, alert.title, alert.detail, kept.opened_at, at, None, knowing
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
            self.tell_offline(None if alert is None else self.cleaned(alert))
