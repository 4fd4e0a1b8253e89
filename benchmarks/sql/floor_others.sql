-- Floor of the features, part three: one grouped scan each of subscriptions and tickets.
select
    (
        select count(*)
        from (
            select
                customer_key,
                sum(mrr) as mrr,
                min(started_date) as first_date
            from staging.subscriptions
            where valid_from < cast(:as_of as date) and valid_to >= cast(:as_of as date)
            group by customer_key
        ) as customers
    )
    + (
        select count(*)
        from (
            select
                customer_key,
                count(*) filter (where opened_date >= cast(:as_of as date) - 90) as tickets_90d,
                max(opened_date) as last_date
            from staging.support_tickets
            where valid_from < cast(:as_of as date) and valid_to >= cast(:as_of as date)
            group by customer_key
        ) as customers
    )
