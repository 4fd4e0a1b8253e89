"""The tables of a profile: like those of the pages, but asked of the source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from churn.dashboard.blocks import Block, Column
from churn.sqlfiles import SqlFile, read_sql


@dataclass(frozen=True)
class SourceBlock(Block):
    """The answer of one statement of `sql/profile/`; `view` is what it reads, in words."""

    @cached_property
    def sql(self) -> SqlFile:
        """The statement, without the relations that stand in front of it."""
        return read_sql(f"profile/{self.file or self.name.replace('-', '_')}.sql")

    @cached_property
    def notes(self) -> dict[str, str]:
        """What each column means."""
        return {column.name: column.note for column in self.columns}


ENTITIES = SourceBlock(
    name="entities",
    title="What the mapping gives",
    view="each mapping",
    file="entity",
    columns=(
        Column("entity", "Entity"),
        Column("rows", "Rows", "integer"),
        Column("customers", "Customers", "integer", "Different customer ids."),
        Column("first_date", "From", "date"),
        Column("last_date", "To", "date", "Latest day up to now; what lies ahead is counted apart."),
        Column("without_time", "No time", "integer", "Rows without a time, or with an endless one."),
        Column("ahead", "Ahead", "integer", "Rows with a time more than a day ahead of the clock."),
        Column("without_customer", "No customer", "integer", "Rows without a customer_id."),
        Column("duplicates", "Duplicates", "integer", "Rows beyond the first with the same key."),
        Column("orphans", "Orphans", "integer", "Rows of a customer whom customers.sql does not give."),
        Column("unusable", "Can't be used", "integer", "Rows with any of these faults, each counted once."),
    ),
    empty="No mapping file was found.",
)
COLUMNS = SourceBlock(
    name="columns",
    title="Columns",
    view="every value",
    columns=(
        Column("entity", "Entity"),
        Column("column_name", "Column"),
        Column("kind", "Kind"),
        Column("missing", "Missing", "integer", "Rows without a value."),
        Column("missing_share", "Missing share", "share"),
        Column("distinct_values", "Different values", "integer"),
        Column("smallest", "Smallest", "number"),
        Column("median", "Median", "number"),
        Column("mean", "Mean", "number"),
        Column("largest", "Largest", "number"),
    ),
    empty="There is no row to look at.",
)
TOP_VALUES = SourceBlock(
    name="top-values",
    title="Frequent values",
    view="every category",
    columns=(
        Column("entity", "Entity"),
        Column("column_name", "Column"),
        Column("value", "Value"),
        Column("rows", "Rows", "integer"),
        Column("share", "Share of the rows with a value", "share"),
    ),
    empty="There is no category with a value that several rows share.",
)
HISTOGRAMS = SourceBlock(
    name="histograms",
    title="Distributions",
    view="every number",
    columns=(
        Column("entity", "Entity"),
        Column("column_name", "Column"),
        Column("bucket", "Bucket", "integer"),
        Column("from_value", "From", "number"),
        Column("to_value", "To", "number"),
        Column("rows", "Rows", "integer"),
    ),
    empty="There is no column of numbers.",
)
WEEKS = SourceBlock(
    name="weeks",
    title="Rows by week",
    view="each mapping",
    columns=(
        Column("entity", "Entity"),
        Column("week", "Week from", "date"),
        Column("rows", "Rows", "integer"),
        Column("customers", "Customers", "integer"),
    ),
    empty="No row has a day before the day of this profile.",
)
GAPS = SourceBlock(
    name="gaps",
    title="Gaps in time",
    view="each mapping of what happens day by day",
    columns=(
        Column("entity", "Entity"),
        Column("from_date", "First day without a row", "date"),
        Column("to_date", "Last day", "date"),
        Column("days", "Days", "integer"),
    ),
    empty="None: every day between the first row and the last has at least one.",
)
HOURS = SourceBlock(
    name="hours",
    title="When it happens",
    view="the entity with the most activity",
    columns=(
        Column("weekday", "Weekday (1 = Monday)", "integer"),
        Column("hour", "Hour", "integer"),
        Column("rows", "Rows", "integer"),
    ),
    empty="Neither usage nor payments are mapped, or no row has a time.",
)
_CURVE_COLUMNS = (
    Column("days", "Days", "integer"),
    Column("silences", "Silences seen through that day", "integer"),
    Column("came_back", "Ended on that day", "integer"),
    Column("still_silent", "Last longer", "share", "Share of all silences that last longer than these days."),
    Column("come_back_later", "Come back later", "share", "Of the pauses that last longer, how many end."),
)
_SETTING_COLUMNS = (
    Column("days", "Days", "integer", "The setting that is tried."),
    Column("customers", "Ever active", "integer"),
    Column("silent", "Silent that long now", "integer"),
    Column("silent_share", "Share", "share"),
    Column("active_before", "Active before", "integer", "Active in so many days, as of so many days ago."),
    Column("churned", "Would count as churned", "integer", "Of those: nothing in the days since."),
    Column("churn_rate", "Churn rate", "share"),
    Column("come_back_later", "Come back all the same", "share", "Share of such silences that end after all."),
)
PURCHASE_CURVE = SourceBlock(
    name="purchase-curve",
    title="How long customers pause between purchases",
    view="positive paid payments",
    file="curve",
    columns=_CURVE_COLUMNS,
    empty="There are too few pauses between purchases to say anything.",
)
PURCHASE_SETTINGS = SourceBlock(
    name="purchase-settings",
    title="Who would count as churned, by days without a purchase",
    view="positive paid payments",
    file="silence_settings",
    columns=_SETTING_COLUMNS,
    empty="There is no positive paid payment.",
)
USE_CURVE = SourceBlock(
    name="use-curve",
    title="How long customers pause between days of use",
    view="usage events",
    file="curve",
    columns=_CURVE_COLUMNS,
    empty="There are too few pauses in the use to say anything.",
)
USE_SETTINGS = SourceBlock(
    name="use-settings",
    title="Who would count as silent, by days without use",
    view="usage events",
    file="silence_settings",
    columns=_SETTING_COLUMNS,
    empty="There is no usage event.",
)
RESUMED_CURVE = SourceBlock(
    name="resumed-curve",
    title="Whether ended coverage is resumed",
    view="paid subscriptions",
    file="curve",
    columns=(
        Column("days", "Days since the end", "integer"),
        Column("silences", "Ends longer ago, or resumed that day", "integer"),
        Column("came_back", "Resumed on that day", "integer"),
        Column("still_silent", "Not resumed by then", "share", "Share of all ends that are not resumed by that day."),
        Column("come_back_later", "Resumed later", "share", "Of those not resumed by then, who is later."),
    ),
    empty="Too few paid subscriptions have ended to say anything.",
)
CONTRACT_SETTINGS = SourceBlock(
    name="contract-settings",
    title="Who would count as churned, by horizon and grace days",
    view="paid subscriptions",
    columns=(
        Column("horizon_days", "Horizon", "integer", "Days looked ahead (churn.horizon_days)."),
        Column("grace_days", "Grace", "integer", "Days within which who resumes has not churned (churn.grace_days)."),
        Column("start_date", "Looked at as of", "date", "The latest day whose outcome is certain."),
        Column("customers", "Customers", "integer"),
        Column("churned", "Would count as churned", "integer"),
        Column("churn_rate", "Churn rate", "share"),
    ),
    empty="There is no paid subscription.",
)
