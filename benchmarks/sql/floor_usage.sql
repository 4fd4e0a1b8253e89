-- Floor of the features, part one: one grouped scan of the usage that they read, each of their windows once.
select count(*)
from (
    select
        customer_key,
        count(*) filter (where usage_date >= cast(:as_of as date) - 28) as rows_28d,
        sum(cast(events as double precision)) filter (where usage_date >= cast(:as_of as date) - 7) as events_7d,
        sum(cast(events as double precision)) filter (
            where usage_date >= cast(:as_of as date) - 14 and usage_date < cast(:as_of as date) - 7
        ) as events_7d_before,
        sum(cast(events as double precision)) filter (where usage_date >= cast(:as_of as date) - 28) as events_28d,
        sum(cast(events as double precision)) filter (
            where usage_date >= cast(:as_of as date) - 56 and usage_date < cast(:as_of as date) - 28
        ) as events_28d_before,
        sum(cast(events as double precision)) filter (where usage_date >= cast(:as_of as date) - 90) as events_90d,
        sum(cast(events as double precision)) filter (
            where usage_date < cast(:as_of as date) - 90
        ) as events_90d_before,
        sum(quantity) filter (where usage_date >= cast(:as_of as date) - 28) as quantity_28d,
        max(usage_date) as last_date
    from staging.usage_daily
    where usage_date >= cast(:as_of as date) - 180 and usage_date < cast(:as_of as date)
    group by customer_key
) as customers
