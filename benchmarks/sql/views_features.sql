-- The features of every customer on the last night.
insert into scores.feature_snapshots (as_of_date, snapshot_id, customer_key, mrr, numbers, categories)
select
    cast(:day as date) as as_of_date,
    :run_id as snapshot_id,
    n as customer_key,
    50 as mrr,
    array_fill(cast(n % 97 as real), array[:features]) as numbers,
    array['plan ' || n % 4] as categories
from generate_series(cast(1 as bigint), :customers) as n
