-- Floor of the features, part two: one grouped scan of the payments that they read, each of their windows once.
select count(*)
from (
    select
        customer_key,
        count(*) filter (where status = 'paid' and paid_date >= cast(:as_of as date) - 28) as paid_28d,
        count(*) filter (where status = 'paid' and paid_date >= cast(:as_of as date) - 90) as paid_90d,
        count(*) filter (where status = 'failed' and paid_date >= cast(:as_of as date) - 28) as failed_28d,
        count(*) filter (where status = 'failed' and paid_date >= cast(:as_of as date) - 90) as failed_90d,
        sum(amount) filter (where status = 'paid' and paid_date >= cast(:as_of as date) - 28) as amount_28d,
        sum(amount) filter (where status = 'paid' and paid_date >= cast(:as_of as date) - 90) as amount_90d,
        sum(amount) filter (where status = 'paid' and paid_date >= cast(:as_of as date) - 365) as amount_365d,
        min(paid_date) filter (where status = 'paid') as first_date,
        max(paid_date) filter (where status = 'paid') as last_date
    from staging.payments
    where valid_from < cast(:as_of as date) and valid_to >= cast(:as_of as date) and paid_date < cast(:as_of as date)
    group by customer_key
) as customers
