"""Names in a marketer's words: value, engagement, direction; kept for as long as they are true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from churn.segments.meaning import (
    DIRECTION_WORDS,
    ENGAGEMENT_WORDS,
    VALUE_WORDS,
    Meaning,
    phrase_of,
)
from churn.segments.model import Segment
from churn.segments.profiles import TIER_MARGIN, Profiles


def name_segments(
    profiles: Profiles, ids: Sequence[int], before: Sequence[Segment | None], all_before: Sequence[Segment]
) -> list[Segment]:
    """Return the segments with unique names and fresh facts.

    Parameters
    ----------
    profiles : Profiles
    ids : sequence of int, length k
    before : sequence of (Segment or None), length k
        What each was before. It keeps its name while its tiers, left only by a clear margin, and the phrase that
        tells it from its namesakes are true.
    all_before : sequence of Segment
        All the segments there were: at one refit no name passes from one to another.
    """
    meanings = profiles.meanings([None if old is None else old.meaning for old in before])
    names = [_plain_name(meaning) for meaning in meanings]
    result: dict[int, tuple[str, Meaning]] = {}
    for i, (old, meaning) in enumerate(zip(before, meanings, strict=True)):
        if old is not None and old.meaning is not None and _still_true(profiles, i, meaning, old.meaning):
            result[i] = (old.name, old.meaning)
    taken = {segment.name for segment in all_before}
    counts = Counter(names)
    for i, (name, meaning) in enumerate(zip(names, meanings, strict=True)):
        if i in result:
            continue
        candidates = [(name, meaning)] if counts[name] == 1 else []
        candidates += _qualified(profiles, i, [n == name for n in names], name, meaning)
        candidates += [(f"{name} ({number})", meaning) for number in range(1, len(names) + len(taken) + 1)]
        own = before[i]
        others = taken if own is None else taken - {own.name}
        result[i] = next(candidate for candidate in candidates if candidate[0] not in others)
        taken.add(result[i][0])
    return [
        Segment(ids[i], name, f"{name}: {profiles.facts(i, meaning)}.", meaning)
        for i, (name, meaning) in sorted(result.items())
    ]


def _still_true(profiles: Profiles, i: int, now: Meaning, before: Meaning) -> bool:
    """Return whether a name still says what a segment is."""
    if now.tiers != before.tiers:
        return False
    for j, feature in enumerate(profiles.features):
        if feature.name == before.qualifier:
            apart = float(profiles.scores[i, j] - profiles.overall[j])
            return apart > -TIER_MARGIN if before.more else apart < TIER_MARGIN
    return before.qualifier is None


def _plain_name(meaning: Meaning) -> str:
    """Return for instance `High value, very active, slipping`; middling engagement or direction is left out."""
    value = "" if meaning.value is None else VALUE_WORDS[meaning.value]
    engagement, direction = ENGAGEMENT_WORDS.get(meaning.engagement or 0), DIRECTION_WORDS.get(meaning.direction or 0)
    words = [word for word in (value, engagement, direction) if word]
    if len(words) == (1 if value else 0):
        words.append("steady" if meaning.direction == 0 else "fairly active")
    name = ", ".join(words)
    return name[0].upper() + name[1:]


def _qualified(
    profiles: Profiles, i: int, namesakes: list[bool], name: str, meaning: Meaning
) -> list[tuple[str, Meaning]]:
    """Return names with one more phrase, best first: true against namesakes, if any, and against everybody."""
    from_overall = profiles.scores[i] - profiles.overall
    group = profiles.scores[namesakes]
    from_namesakes = profiles.scores[i] - group.mean(axis=0) if len(group) > 1 else from_overall
    smaller = np.minimum(np.abs(from_namesakes), np.abs(from_overall))
    strength = np.where(from_namesakes * from_overall > 0, smaller, 0.0).round(9)
    columns = sorted(np.flatnonzero(strength > 0).tolist(), key=lambda j: (-strength[j], j))
    phrases = [(profiles.features[j].name, bool(from_overall[j] > 0)) for j in columns]
    return [
        (f"{name}, {phrase_of(feature, more)}", replace(meaning, qualifier=feature, more=more))
        for feature, more in phrases
    ]
