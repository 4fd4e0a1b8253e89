"""What a person is told of a customer who was forgotten: the proof, and what is left to do by hand."""

from __future__ import annotations

from collections.abc import Mapping

from churn.forgetting.run import Forgotten

_BACKUPS = (
    "Backups of the warehouse still hold the customer until they expire; after restoring one, run this command again."
)
_SOURCE = (
    "Erase the customer in the source too: as long as they are there, the tombstone alone keeps them out. "
    "Keep the key of the tombstones safe, and apart from the warehouse."
)


def forgotten_lines(done: Forgotten) -> list[str]:
    """Return the lines that `churn forget` prints; none of them names the customer."""
    return [*_proof(done), *_to_do(done)]


def preview_lines(found: Mapping[str, int]) -> list[str]:
    """Return the lines of a dry run."""
    if not found:
        return ["Nothing of this customer is in the warehouse. Without --dry-run a tombstone would be set."]
    return ["Rows that would be erased, made nameless or blanked:", *_counts(found), "Nothing was written."]


def _proof(done: Forgotten) -> list[str]:
    if done.erased:
        lines = ["Erased, made nameless or blanked:", *_counts(done.erased)]
    elif done.was_known:
        lines = ["Nothing was left to erase."]
    else:
        lines = ["The warehouse does not know this customer: nothing was erased."]
    plain = ["The id is a number or a short word: in texts it was searched where they speak of a customer."]
    return [
        *lines,
        f"Searched {done.searched} tables of staging, scores and ops for the id and its key: found 0.",
        *(plain if done.is_plain else []),
        f"Tombstone {done.digest_prefix}… is set: who comes under this id again is left out of every extraction.",
    ]


def _to_do(done: Forgotten) -> list[str]:
    lines = ["Left to do by hand:"]
    if done.exported:
        lines.append("- Exports that may hold the customer; delete them, or write them again:")
        lines += [f"    {file.target} ({file.what} of {file.as_of}, {file.fmt})" for file in done.exported]
    if done.models:
        lines.append(
            f"- The models {', '.join(done.models)} name the customer among the values of an attribute: take that "
            "attribute out of the mapping and run `churn train`."
        )
    if done.kept:
        lines.append(
            f"- Keys or labels in rows of others name the customer ({', '.join(done.kept)}): the source has them so; "
            "change them there."
        )
    return [*lines, f"- {_SOURCE}", f"- {_BACKUPS}"]


def _counts(rows: Mapping[str, int]) -> list[str]:
    width = max(len(name) for name in rows)
    return [f"  {name:<{width}}  {count:>9,}" for name, count in sorted(rows.items())]
