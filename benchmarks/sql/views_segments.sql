-- The six segments of a night.
insert into scores.segment_nights (
    as_of_date, run_id, segment_id, segment, description, customers, share, mrr, avg_clv, avg_churn_probability
)
select
    cast(:day as date) as as_of_date,
    :run_id as run_id,
    n as segment_id,
    'Segment ' || n as segment,
    'What sets it apart.' as description,
    :customers / 6 as customers,
    1 / 6.0 as share,
    10000 as mrr,
    5000 as avg_clv,
    0.1 as avg_churn_probability
from generate_series(1, 6) as n
