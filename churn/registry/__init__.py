"""The registry of models: text artifacts with their SHA-256, one champion of each kind, and who made it so."""

from __future__ import annotations

from churn.registry.reading import champion, events_of, in_force, previous_champion, same_artifact, stored
from churn.registry.records import CHURN, CLV, KINDS, SEGMENTS, Author, Event, NewModel, StoredModel
from churn.registry.writing import adopt, keep_aside, promote, register, roll_back, withdraw

__all__ = [
    "CHURN",
    "CLV",
    "KINDS",
    "SEGMENTS",
    "Author",
    "Event",
    "NewModel",
    "StoredModel",
    "adopt",
    "champion",
    "events_of",
    "in_force",
    "keep_aside",
    "previous_champion",
    "promote",
    "register",
    "roll_back",
    "same_artifact",
    "stored",
    "withdraw",
]
