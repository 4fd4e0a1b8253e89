-- name: customer_features
-- writes: view bi.customer_features
-- grain: customer of the latest published night
-- reads: ops.published, ops.snapshots, ops.feature_sets, scores.feature_snapshots, staging.customer_keys
-- params: none
-- window: none
-- comment: The features that the latest published night was scored by, one column each, under the names of docs/features.md: besides the columns listed here, those that your mapping and [[features.usage]] give, each with its meaning as the column's comment. What is missing is null.
-- example: select customer_id, run_id from bi.customer_features order by customer_id limit 10
-- column.as_of_date: Business date of the night; nothing that happened on or after it was used.
-- column.customer_id: The customer's id in the source.
-- column.run_id: Run whose scores are shown for the night; see bi.job_runs.
-- type.as_of_date: date
-- type.customer_id: text
-- type.run_id: bigint
--
-- `churn.feature_view` puts a column for every feature after these, and its place in the snapshot's arrays, looked up by
-- name once, into feature_places. The snapshot is the last one that the published run can have scored: an attempt that
-- is still at work may have made a newer one.
with latest_nights as materialized (
    select
        p.as_of_date,
        p.run_id,
        s.snapshot_id,
        e.numbers,
        e.categories
    from ops.published as p
    inner join ops.snapshots as s on p.as_of_date = s.as_of_date and p.run_id >= s.run_id
    inner join ops.feature_sets as e on s.feature_set_id = e.feature_set_id
    order by p.as_of_date desc, s.snapshot_id desc
    limit 1
),

feature_places as materialized (
    select
        l.as_of_date,
        l.run_id
    from latest_nights as l
)

select
    f.as_of_date,
    k.customer_id,
    l.run_id
from scores.feature_snapshots as f
cross join feature_places as l
inner join staging.customer_keys as k on f.customer_key = k.customer_key
where
    f.as_of_date = (select a.as_of_date from latest_nights as a)
    and f.snapshot_id = (select b.snapshot_id from latest_nights as b)
