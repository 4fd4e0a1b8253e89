"""What to compute a snapshot of, and the digest that says what the result means."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal, Protocol

from churn.config import Settings
from churn.features.catalogue import Feature, Kind, UsageEntry, available
from churn.sqlfiles import read_sql

Population = Literal["contractual", "inactivity"]


class Extracted(Protocol):
    """What the features need to know of an extraction."""

    @property
    def entities(self) -> Mapping[str, object]:
        """The mapped entities."""

    @property
    def attributes(self) -> tuple[tuple[str, Kind], ...]:
        """Customer attributes with their kinds."""

    @property
    def mapping_digests(self) -> Mapping[str, str]:
        """How each entity is read."""


@dataclass(frozen=True)
class SnapshotRequest:
    """What to compute a snapshot of.

    Attributes
    ----------
    as_of : date
    population : {"contractual", "inactivity"}
        Who is scored: the definition of churn.
    inactivity_days : int
        Look-back of the population `inactivity`.
    entities : frozenset of str
        The mapped source entities.
    usage_entries : tuple of UsageEntry
        `[[features.usage]]`.
    attributes : tuple of (name, kind)
        Mapped customer attributes.
    mapping_digests : tuple of (entity, digest)
        How each entity is read from the source.
    """

    as_of: date
    population: Population
    inactivity_days: int
    entities: frozenset[str]
    usage_entries: tuple[UsageEntry, ...] = ()
    attributes: tuple[tuple[str, Kind], ...] = ()
    mapping_digests: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, settings: Settings, extraction: Extracted, as_of: date) -> SnapshotRequest:
        """Ask for what the configuration and the mapped entities allow."""
        return cls(
            as_of,
            settings.churn.definition,
            settings.churn.inactivity_days,
            frozenset(extraction.entities),
            tuple(settings.features.usage),
            tuple(extraction.attributes),
            tuple(sorted(extraction.mapping_digests.items())),
        )

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The features to compute, in order."""
        return available(self.entities, self.usage_entries, self.attributes)

    @cached_property
    def definitions(self) -> dict[str, str]:
        """For each feature the SHA-256 of what computes it."""
        files = {family: read_sql(f"features/{family}.sql").digest for family in {f.family for f in self.features}}
        parts = {f.name: (files[f.family], f.kind, f.empty_is_zero, f.argument) for f in self.features}
        return {name: hashlib.sha256(repr(part).encode()).hexdigest() for name, part in parts.items()}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all names, kinds and definitions, in order."""
        parts = (f"{f.name} {f.kind} {self.definitions[f.name]}" for f in self.features)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @cached_property
    def basis_digest(self) -> str:
        """SHA-256 of what the features were computed from and of whom: the mapping, and who counts as a customer.

        A captured snapshot stays what it was; a reconstructed one of another basis is worth reconstructing again.
        """
        inactivity_days = self.inactivity_days if self.population == "inactivity" else None
        basis = (self.mapping_digests, self.population, inactivity_days)
        return hashlib.sha256(repr(basis).encode()).hexdigest()

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Names of the features of one kind, in order."""
        return tuple(feature.name for feature in self.features if feature.kind == kind)
