-- name: histograms
-- writes: none
-- grain: column of numbers × bucket
-- reads: cells
-- params: buckets
-- window: none
--
-- The buckets span the middle 98 % of the values, so that a few wild ones don't press all others into one; those
-- beyond are counted in the first and the last bucket.
with bounds as (
    select
        c.column_name,
        percentile_cont(0.01) within group (order by c.number_value) as low,
        percentile_cont(0.99) within group (order by c.number_value) as high
    from cells as c
    where c.kind = 'number' and c.number_value is not null
    group by c.column_name
),

placed as (
    select
        b.column_name,
        b.low,
        b.high,
        case
            when b.high > b.low
                then least(
                    greatest(width_bucket(c.number_value, b.low, b.high, cast(:buckets as integer)), 1),
                    cast(:buckets as integer)
                )
            else 1
        end as bucket
    from cells as c
    inner join bounds as b on c.column_name = b.column_name
    where c.number_value is not null
)

select
    p.column_name,
    p.bucket,
    p.low + (p.high - p.low) * (p.bucket - 1) / cast(:buckets as integer) as from_value,
    p.low + (p.high - p.low) * p.bucket / cast(:buckets as integer) as to_value,
    count(*) as rows
from placed as p
group by p.column_name, p.bucket, p.low, p.high
order by p.column_name asc, p.bucket asc
