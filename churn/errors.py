"""One hierarchy of errors: each kind of failure has an exit code and a message that says what to do next."""

from __future__ import annotations


class ChurnError(Exception):
    """Base of every error that a user is meant to read.

    Parameters
    ----------
    message : str
        What happened and where, in one sentence.
    hint : str, optional
        What to do next, in one sentence.
    """

    exit_code = 1
    may_pass = False
    """Whether the same may succeed in a moment, so that a job at work tries again."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message with its mend, as printed on the terminal and kept in the ledger."""
        return f"{self.message} {self.hint}".strip()


class UsageError(ChurnError):
    """The command line asks for something that makes no sense, such as a future `as_of`."""

    exit_code = 2


class ConfigError(ChurnError):
    """`churn.toml` or the environment is wrong: unknown key, bad value, missing file."""

    exit_code = 10


class SourceError(ChurnError):
    """The source database can't be reached or refuses what we ask of it."""

    exit_code = 11


class DataContractError(ChurnError):
    """The source answers, but not with what the source contract asks for."""

    exit_code = 12


class LeakageError(ChurnError):
    """A feature knows something that nobody could know at `as_of`."""

    exit_code = 13


class ModelError(ChurnError):
    """A model can't be trained, loaded or applied."""

    exit_code = 14


class WarehouseError(ChurnError):
    """The warehouse can't be reached, is not migrated, or refuses a statement."""

    exit_code = 15


class ChecksFailedError(ChurnError):
    """A check of severity `fail` found rows: nothing was published."""

    exit_code = 16


class LockedError(ChurnError):
    """Another run holds the warehouse's writer lock."""

    exit_code = 17


class DoneMeanwhileError(LockedError):
    """Another run did the very same while this one waited for the lock."""


class TransientError(ChurnError):
    """The database was cut off or busy: the same command may succeed in a moment."""

    exit_code = 75
    may_pass = True


class StoppedError(ChurnError):
    """The job was told to stop, by a signal."""

    exit_code = 75
