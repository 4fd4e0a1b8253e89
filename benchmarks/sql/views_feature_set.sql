-- The features of the last night by name, and the snapshot that has them.
with made_sets as (
    insert into ops.feature_sets (digest, numbers, categories, families, definitions)
    select
        'bench' as digest,
        array_agg('feature_' || n order by n) as numbers,
        array['plan'] as categories,
        array['bench'] as families,
        '{}' as definitions
    from generate_series(1, :features) as n
    returning feature_set_id
)

insert into ops.snapshots (
    snapshot_id, as_of_date, origin, population, basis_digest, feature_set_id, customers, is_current, run_id, created_at
)
overriding system value
select
    :run_id as snapshot_id,
    cast(:day as date) as as_of_date,
    'captured' as origin,
    'contractual' as population,
    'bench' as basis_digest,
    m.feature_set_id,
    :customers as customers,
    true as is_current,
    :run_id as run_id,
    cast(:day as date) as created_at
from made_sets as m
