"""What the page of the campaigns reads: each block, in the order in which it is shown."""

from __future__ import annotations

from churn.dashboard.blocks import Block, Column

CAMPAIGNS = Block(
    name="campaigns",
    title="All campaigns",
    view="campaign_results",
    columns=(
        Column("campaign", "Campaign"),
        Column("first_as_of_date", "First entered", "date"),
        Column("last_as_of_date", "Last entered", "date"),
        Column("assigned_treatment", "To contact", "integer"),
        Column("assigned_holdout", "Held out", "integer"),
        Column("measured_treatment", "Measured of those to contact", "integer"),
        Column("measured_holdout", "Measured of those held out", "integer"),
        Column("incremental_retention", "Stayed because of it", "points"),
        Column("incremental_retention_low", "At least", "points"),
        Column("incremental_retention_high", "At most", "points"),
        Column("incremental_revenue", "Revenue because of it", "money"),
        Column("cost", "Cost", "money"),
        Column("roi", "Return", "share"),
        Column("verdict", "In words"),
    ),
    empty=(
        "There is no campaign yet. The first published list begins one, named by retention.campaign in churn.toml; one "
        "that another tool drew is recorded with `churn campaign record`."
    ),
)
ARMS = Block(
    name="campaign-arms",
    title="The campaign and its offers",
    view="campaign_results",
    columns=(
        Column("campaign", "Campaign"),
        Column("arm", "Arm"),
        Column("assigned_treatment", "To contact", "integer"),
        Column("contacted_treatment", "Contacted of them", "integer"),
        Column("measured_treatment", "Measured of them", "integer"),
        Column("retained_rate_treatment", "Stayed of them", "share"),
        Column("assigned_holdout", "Held out", "integer"),
        Column("contacted_holdout", "Contacted all the same", "integer"),
        Column("measured_holdout", "Measured of the holdout", "integer"),
        Column("retained_rate_holdout", "Stayed of the holdout", "share"),
        Column("not_measured", "No outcome", "integer"),
        Column("incremental_retention", "Stayed because of it", "points"),
        Column("incremental_retention_low", "At least", "points"),
        Column("incremental_retention_high", "At most", "points"),
        Column("detectable_effect", "Smallest effect it can show", "points"),
        Column("incremental_revenue", "Revenue because of it", "money"),
        Column("incremental_revenue_low", "At least", "money"),
        Column("incremental_revenue_high", "At most", "money"),
        Column("cost", "Cost", "money"),
        Column("cost_basis", "Cost is"),
        Column("roi", "Return", "share"),
        Column("roi_low", "At least", "share"),
        Column("roi_high", "At most", "share"),
        Column("incremental_value", "Value of those kept", "money"),
        Column("incremental_value_low", "At least", "money"),
        Column("incremental_value_high", "At most", "money"),
        Column("first_as_of_date", "First entered", "date"),
        Column("last_as_of_date", "Last entered", "date"),
        Column("as_of_date", "Known as of", "date"),
        Column("verdict", "In words"),
    ),
    empty="There is nothing to compare yet: the first published list begins a campaign.",
)
BALANCE = Block(
    name="campaign-balance",
    title="Is the holdout a fair draw?",
    view="campaign_balance",
    columns=(
        Column("campaign", "Campaign"),
        Column("dimension", "By"),
        Column("value", "Group"),
        Column("treatment", "To contact", "integer"),
        Column("holdout", "Held out", "integer"),
        Column("expected_holdout", "Held out, expected", "number"),
        Column("p_value", "Chance of a draw so uneven", "share"),
    ),
    empty="The last published night has no list, so there is no draw to judge. `churn nightly` makes the next list.",
)
SAVE_RATES = Block(
    name="save-rates",
    title="What offers save",
    view="save_rates",
    columns=(
        Column("offer", "Offer"),
        Column("value", "Customers"),
        Column("assumed", "Assumed", "share"),
        Column("measured", "Measured", "share"),
        Column("save_rate", "The list goes by", "share"),
        Column("campaigns", "Campaigns that measured it", "integer"),
        Column("treatment", "Measured to contact", "integer"),
        Column("holdout", "Measured holdout", "integer"),
        Column("probability_harmful", "Chance that it does harm", "share"),
    ),
    empty="No offer is priced yet: name some under [[retention.offers]] in churn.toml, and run the next night.",
)
LISTS = Block(
    name="campaign-lists",
    title="The lists, summed by campaign",
    view="campaign_lists",
    columns=(
        Column("campaign", "Campaign"),
        Column("first_as_of_date", "First list", "date", "Night of the campaign's first list."),
        Column("last_as_of_date", "Last list", "date", "Night of its last list."),
        Column("lists", "Lists", "integer", "Lists that could be sent."),
        Column("rehearsals", "Rehearsals", "integer", "Lists that nobody could be contacted by; not in the sums."),
        Column("entered", "Customers entered", "integer", "Customers who entered the campaign with these lists."),
        Column("treatment", "Places to contact", "integer", "Places on the lists; a customer may stand on many."),
        Column("holdout", "Held out", "integer", "Places on the lists of customers who are left alone."),
        Column("planned_cost", "Planned cost", "money", "Of all these lists, as if nobody were held out."),
        Column("expected_net_value", "Expected net value", "money", "Of all these lists, before they went out."),
        Column("members_to_date", "In the campaign now", "integer"),
        Column("statement", "What the last list can show"),
    ),
    empty="No list is published yet. `churn nightly` writes one each night; `churn export at-risk` takes it out.",
)
