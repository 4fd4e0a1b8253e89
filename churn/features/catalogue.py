"""Every feature by name: its family, unit and meaning; the order is the order in which a snapshot keeps them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from churn.features.definitions import FIXED

Kind = Literal["number", "category"]

CATALOGUE_FAMILY = "usage_catalogue"
ATTRIBUTES_FAMILY = "attributes"

FAMILY_ENTITY = {
    "tenure": "customers",
    "revenue": "subscriptions",
    "payments": "payments",
    "usage": "usage_events",
    CATALOGUE_FAMILY: "usage_events",
    "tickets": "support_tickets",
    "rfm": "payments",
    ATTRIBUTES_FAMILY: "customers",
}
"""The families in order, each with the source entity without which it is not there."""

FAMILIES = tuple(FAMILY_ENTITY)

_MEASURES = {
    "count": ("events", "Events of type '{event_type}'"),
    "sum": ("quantity", "Quantity of events of type '{event_type}'"),
    "active_days": ("days", "Days with an event of type '{event_type}'"),
}
_CATALOGUE_WINDOWS_DAYS = (7, 28, 90)


class UsageEntry(Protocol):
    """What the usage catalogue needs to know of a `[[features.usage]]` entry."""

    @property
    def name(self) -> str:
        """Name within feature names."""

    @property
    def event_type(self) -> str:
        """Event type in the source."""

    @property
    def measure(self) -> Literal["count", "sum", "active_days"]:
        """What is measured."""


@dataclass(frozen=True)
class Feature:
    """One feature of a customer at `as_of`.

    Attributes
    ----------
    name : str
    family : str
        Which file of `sql/features/` computes it.
    kind : {"number", "category"}
    unit : str
        Unit of a number; empty for a category.
    description : str
    entity : str
        Source entity that must be mapped for the feature to be there.
    empty_is_zero : bool
        A customer of whom the family knows nothing has 0 rather than a missing value.
    argument : str
        What a catalogue entry measures: part of the feature's definition.
    """

    name: str
    family: str
    kind: Kind
    unit: str
    description: str
    entity: str
    empty_is_zero: bool = False
    argument: str = ""


def describe(
    families: Iterable[str],
    usage_entries: Sequence[UsageEntry] = (),
    attributes: Sequence[tuple[str, Kind]] = (),
) -> tuple[Feature, ...]:
    """List the features of some families, in the order of a snapshot.

    Parameters
    ----------
    families : iterable of str
        Any of `FAMILIES`, in any order.
    usage_entries : sequence of UsageEntry
        `[[features.usage]]` of the configuration.
    attributes : sequence of (name, kind)
        Mapped customer attributes.

    Raises
    ------
    ValueError
        A family is not known, or two features would have the same name.
    """
    wanted = set(families)
    if unknown := wanted - set(FAMILIES):
        raise ValueError(f"unknown feature families: {', '.join(sorted(unknown))}")
    found = [
        *_fixed(wanted),
        *(feature for entry in usage_entries for feature in _entry_features(entry)),
        *(_attribute_feature(name, kind) for name, kind in attributes),
    ]
    listed = sorted((f for f in found if f.family in wanted), key=lambda f: FAMILIES.index(f.family))
    names = [feature.name for feature in listed]
    if len(set(names)) < len(names):
        raise ValueError(f"two features have the name {max(names, key=names.count)}")
    return tuple(listed)


def available(
    entities: Collection[str],
    usage_entries: Sequence[UsageEntry] = (),
    attributes: Sequence[tuple[str, Kind]] = (),
) -> tuple[Feature, ...]:
    """List the features that the mapped entities allow: those of an absent entity are simply not there."""
    return tuple(feature for feature in describe(FAMILIES, usage_entries, attributes) if feature.entity in entities)


def _fixed(families: Collection[str]) -> Iterable[Feature]:
    for family, rows in FIXED.items():
        if family not in families:
            continue
        for row in rows:
            yield Feature(
                row.name,
                family,
                "category" if row.unit == "" else "number",
                row.unit,
                row.description,
                row.entity or FAMILY_ENTITY[family],
                row.empty_is_zero,
            )


def _entry_features(entry: UsageEntry) -> Iterable[Feature]:
    unit, what = _MEASURES[entry.measure]
    text = what.format(event_type=entry.event_type)
    entity = FAMILY_ENTITY[CATALOGUE_FAMILY]
    argument = f"{entry.measure} {entry.event_type}"
    for days in _CATALOGUE_WINDOWS_DAYS:
        name = f"usage_{entry.name}_{days}d"
        described = f"{text} in the last {days} days."
        yield Feature(name, CATALOGUE_FAMILY, "number", unit, described, entity, True, argument)
    described = f"{text}: the last 28 days against the 28 before."
    yield Feature(
        f"usage_{entry.name}_trend_28d", CATALOGUE_FAMILY, "number", "trend", described, entity, False, argument
    )


def _attribute_feature(name: str, kind: Kind) -> Feature:
    unit = "as mapped" if kind == "number" else ""
    described = f"Customer attribute '{name}' at as_of."
    return Feature(f"attribute_{name}", ATTRIBUTES_FAMILY, kind, unit, described, FAMILY_ENTITY[ATTRIBUTES_FAMILY])
