"""What a job is given at the edge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from churn.config import Settings
from churn.errors import UsageError
from churn.ledger import Clock
from churn.progress import Progress
from churn.windows import business_today


@dataclass(frozen=True)
class Job:
    """What every job is given at the edge.

    Attributes
    ----------
    settings : Settings
    as_of : date
        Business date to work for.
    clock : callable
        Gives the current UTC time.
    progress : Progress
    wait : bool
        Wait for the writer lock for as long as it takes.
    """

    settings: Settings
    as_of: date
    clock: Clock
    progress: Progress
    wait: bool = False

    @property
    def today(self) -> date:
        """Today's business date."""
        return business_today(self.clock(), self.settings.business.timezone)

    def refuse_the_future(self) -> None:
        """Refuse an `as_of` after today: nobody knows what will have happened by then."""
        if self.as_of > self.today:
            raise UsageError(
                f"--as-of {self.as_of} is in the future; today is {self.today} ({self.settings.business.timezone}).",
                "Give today's date or an earlier one.",
            )
