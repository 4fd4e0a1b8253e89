"""Keys of `[retention]` and `[activation]`: whom to contact, with what, within which limits, where the list goes."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from churn.config.basics import Identifier, PositiveInt, Section, Share
from churn.config.databases import DatabaseSection

Condition = Literal["segment", "value_tier", "driver", "plan", "lifecycle_stage", "risk_band"]
"""What an offer may be limited by."""

KNOWN_VALUES: dict[str, tuple[str, ...]] = {
    "value_tier": ("high", "medium", "low"),
    "risk_band": ("high", "medium", "low"),
    "lifecycle_stage": ("new", "growing", "mature", "declining", "dormant", "won_back"),
}
"""Values of the conditions that only have these; segments, plans and drivers are the business's own."""

HOLD_OUT = "hold out"
"""What the list recommends for a customer of the holdout; no offer may be called that."""


def _offer_name(name: str) -> str:
    if not 1 <= len(name) <= 60 or not name.isprintable() or name != name.strip():
        raise ValueError("use 1 to 60 printable characters, without spaces at the ends")
    if name.casefold() in (HOLD_OUT, "all", "none"):
        raise ValueError(f"'{name}' has a meaning of its own in the results; choose another name")
    return name


def _listed(value: Any) -> Any:
    """Take one allowed value for a list of one."""
    return (value,) if isinstance(value, str) else value


def _known(when: dict[Condition, Allowed]) -> dict[Condition, Allowed]:
    """Refuse a value that no customer can have."""
    for condition, allowed in when.items():
        known = KNOWN_VALUES.get(condition, allowed)
        strange = [value for value in allowed if value not in known]
        if strange:
            raise ValueError(f"no customer has {condition} '{strange[0]}'; use {', '.join(known)}")
    return when


Allowed = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]
OfferName = Annotated[str, AfterValidator(_offer_name)]


class Offer(Section):
    """One thing that can be done to keep a customer."""

    name: OfferName = Field(description="Name of the offer, as the list recommends it.")
    cost: Annotated[float, Field(ge=0)] = Field(
        description="Expected cost per customer it is made to, in `business.currency`; what those who would have "
        "stayed anyway take of it included."
    )
    save_rate: Annotated[float, Field(ge=-1, le=1)] = Field(
        description="Share of the customers about to leave whom it keeps, until campaigns have measured it; below 0: "
        "it drives customers away."
    )
    when: Annotated[dict[Condition, Allowed], AfterValidator(_known)] = Field(
        default_factory=dict,
        description="Whom it may be made to: allowed values of `segment`, `value_tier`, `driver`, `plan`, "
        "`lifecycle_stage`, `risk_band`; each of those named must hold.",
    )
    capacity: PositiveInt | None = Field(None, description="Most customers a night that it can be made to.")


class RetentionSection(Section):
    """The nightly list: who is contacted, with what, and who is left alone to measure against."""

    list_size: PositiveInt = Field(500, description="Most customers on a night's list, the holdout included.")
    holdout_share: Share = Field(
        0.1, description="Share of those entering a campaign who are left alone, to measure against."
    )
    campaign: Identifier = Field(
        "nightly",
        description="Name of the running campaign. It keeps the seed and holdout share it began with; a new name draws "
        "a new holdout.",
    )
    live_from: date | None = Field(
        None,
        description="First night whose list is really sent; lists of nights before it are rehearsals: nobody enters "
        "the campaign, nothing is learned from them. Without it every list counts as sent.",
    )
    seed: int = Field(20, ge=-(2**63), lt=2**63, description="Seed of the holdout's draw.")
    budget: Annotated[float, Field(ge=0)] | None = Field(
        None, description="Most that a list may cost, in `business.currency`, as if nobody were held out."
    )
    cooldown_days: Annotated[int, Field(ge=0, le=3660)] = Field(
        30, description="Days after a list or a contact in which a customer, held out or not, is on no other list."
    )
    minimum_value: Annotated[float, Field(ge=0)] = Field(
        0.0, description="Least expected net value, in `business.currency`, for which a customer is contacted."
    )
    offers: tuple[Offer, ...] = Field(
        (), description="`[[retention.offers]]` entries; without any, one offer `contact` by the two keys below."
    )
    contact_cost: Annotated[float, Field(ge=0)] = Field(
        1.0, description="What contacting one customer costs, the offer included, in `business.currency`."
    )
    save_rate: Annotated[float, Field(ge=0, le=1)] = Field(
        0.1, description="Share of the customers about to leave whom a contact keeps, until campaigns have measured it."
    )
    saved_value_share: Share = Field(
        0.5, description="What a saved customer is worth, as a share of one who would have stayed anyway."
    )

    @model_validator(mode="after")
    def _names_differ(self) -> RetentionSection:
        names = [offer.name for offer in self.offers]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two offers are called '{twice[0]}'; give each [[retention.offers]] a name of its own")
        return self

    @property
    def all_offers(self) -> tuple[Offer, ...]:
        """The configured offers, or the one made of `contact_cost` and `save_rate`."""
        if self.offers:
            return self.offers
        return (Offer(name="contact", cost=self.contact_cost, save_rate=self.save_rate, when={}, capacity=None),)


class ActivationSection(DatabaseSection):
    """Where `churn export at-risk --table` writes the list for the tools that send it."""

    url: SecretStr | None = Field(None, description="URL of that Postgres; default the warehouse's own.")
