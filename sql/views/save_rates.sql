-- name: save_rates
-- writes: view bi.save_rates
-- grain: offer × (all or a segment), latest published night
-- reads: ops.published, scores.save_rates
-- params: none
-- window: none
-- comment: What the latest night takes each offer to save: what was assumed, what campaigns have measured, and the two weighed against each other. A segment stands here once a campaign has measured it.
-- example: select offer, dimension, value, assumed, measured, save_rate, probability_harmful from bi.save_rates order by offer, dimension, value
-- column.as_of_date: Business date of the night.
-- column.offer: Name of the offer.
-- column.dimension: all, or segment.
-- column.value: all, or the segment's name.
-- column.assumed: Rate before measuring: that of churn.toml; for a segment, the offer's save_rate.
-- column.campaigns: Campaigns that have measured it.
-- column.treatment: Measured customers to whom it was to be made.
-- column.holdout: Measured customers who were held out.
-- column.measured: Share of those about to leave whom it kept, 1 − churn rate of treatment / of holdout, over the campaigns; null before any.
-- column.variance: Variance of measured.
-- column.between_variance: How far true rates are taken to lie from the assumed one, as a variance; measured from five campaigns on.
-- column.save_rate: Rate that the list goes by: assumed and measured, weighed by their variances. Below 0: contacting is expected to hurt, these customers are left alone.
-- column.probability_harmful: Probability that the true rate is below 0.
-- column.run_id: Run that computed it; see bi.job_runs.
-- type.as_of_date: date
-- type.offer: text
-- type.dimension: text
-- type.value: text
-- type.assumed: double precision
-- type.campaigns: integer
-- type.treatment: bigint
-- type.holdout: bigint
-- type.measured: double precision
-- type.variance: double precision
-- type.between_variance: double precision
-- type.save_rate: double precision
-- type.probability_harmful: double precision
-- type.run_id: bigint
with latest_nights as (
    select
        p.as_of_date,
        p.run_id
    from ops.published as p
    order by p.as_of_date desc
    limit 1
)

select
    s.as_of_date,
    s.offer,
    s.dimension,
    s.value,
    s.assumed,
    s.campaigns,
    s.treatment,
    s.holdout,
    s.measured,
    s.variance,
    s.between_variance,
    s.save_rate,
    s.probability_harmful,
    s.run_id
from latest_nights as l
inner join scores.save_rates as s
    on l.as_of_date = s.as_of_date and l.run_id = s.run_id
where s.as_of_date = (select max(p.as_of_date) from ops.published as p)
