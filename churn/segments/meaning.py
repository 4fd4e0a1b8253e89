"""What a segment's name says, kept beside the name so that a refit can tell whether it is still true."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from churn.segments.catalogue import ROLE_OF, ROLES

VALUE_WORDS = {1: "High value", 0: "Medium value", -1: "Low value"}
ENGAGEMENT_WORDS = {1: "very active", -1: "quiet"}
DIRECTION_WORDS = {1: "growing", -1: "slipping"}


@dataclass(frozen=True)
class Meaning:
    """The tiers behind a name.

    Attributes
    ----------
    value, engagement : int or None
        -1, 0 or 1: among the lower third, middle or upper third of customers; None where no feature tells.
    direction : int or None
        -1 falling, 0 steady, 1 rising; None without a trend.
    qualifier : str or None
        The feature whose phrase tells the segment from its namesakes.
    more : bool
        Whether that phrase says much (else little) of it.
    """

    value: int | None
    engagement: int | None
    direction: int | None
    qualifier: str | None = None
    more: bool = False

    @property
    def tiers(self) -> tuple[int | None, int | None, int | None]:
        """Return value, engagement and direction."""
        return self.value, self.engagement, self.direction


def meaning_of_name(name: str, features: Iterable[str]) -> Meaning:
    """Return the meaning of a name written before meanings were stored.

    Parameters
    ----------
    name : str
        Such as `High value, quiet, long unused`.
    features : iterable of str
        Those of its segmentation: a theme without any has no tier.
    """
    parts = (name[:1].lower() + name[1:]).split(", ")
    themes = {ROLE_OF[feature].theme for feature in features}

    def tier(theme: str, words: dict[int, str]) -> int | None:
        said = next((t for t, word in words.items() if word.lower() in parts), 0)
        return said if theme in themes else None

    phrases = [(role.name, more) for role in ROLES for more in (True, False)]
    said_last = next((phrase for phrase in phrases if phrase_of(*phrase) == parts[-1]), (None, False))
    return Meaning(
        tier("value", VALUE_WORDS),
        tier("engagement", ENGAGEMENT_WORDS),
        tier("direction", DIRECTION_WORDS),
        *said_last,
    )


def phrase_of(feature: str, more: bool) -> str:
    """Return what customers with much or little of a feature are called."""
    return ROLE_OF[feature].more if more else ROLE_OF[feature].less
