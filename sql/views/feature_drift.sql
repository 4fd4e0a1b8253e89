-- name: feature_drift
-- writes: view bi.feature_drift
-- grain: published night × feature
-- reads: ops.feature_drift, ops.published
-- params: none
-- window: none
-- comment: How far each feature of the model, and its probability, has moved away from what the model learned from, by published night.
-- example: select feature, psi, status from bi.feature_drift where as_of_date = (select max(as_of_date) from bi.feature_drift) order by psi desc
-- column.as_of_date: Business date of the night.
-- column.feature: Name of the feature, or churn_probability for the model's own score.
-- column.psi: Population stability index against the training rows: 0 is no change, above 0.2 is worth a look; null for a feature that had no value at all in training, so that the model learned nothing from it.
-- column.status: ok, warn (monitoring.psi_warn is reached, or one customer in twenty has a category never seen) or fail (monitoring.psi_fail is reached); a change that chance explains is ok. The fail of churn_probability stops publication only where it is a jump from published nights, too.
-- column.unseen_share: Share of the customers (of about 20,000, drawn by a hash, where there are more) with a category that the model has never seen, 0 to 1.
-- column.missing_share: Share of the same customers without a value that night, 0 to 1.
-- column.missing_share_trained: The same in training.
-- column.model_version: Model that scored the night.
-- column.run_id: Run that wrote the row; see bi.job_runs.
-- type.as_of_date: date
-- type.feature: text
-- type.psi: double precision
-- type.status: text
-- type.unseen_share: double precision
-- type.missing_share: double precision
-- type.missing_share_trained: double precision
-- type.model_version: text
-- type.run_id: bigint
select
    d.as_of_date,
    d.feature,
    d.psi,
    d.status,
    d.unseen_share,
    d.missing_share,
    d.missing_share_trained,
    d.model_version,
    d.run_id
from ops.feature_drift as d
inner join ops.published as p on d.as_of_date = p.as_of_date and d.run_id = p.run_id
