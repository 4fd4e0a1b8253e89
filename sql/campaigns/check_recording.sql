-- name: check_recording
-- writes: checked_rows
-- grain: row of the sheet
-- reads: recording_rows, staging.customer_keys, ops.campaign_members, ops.campaign_contacts
-- params: campaign, is_list, sent_on, entered_on, today
-- window: none
--
-- Each row of what was sent, with the customer it means and the first reason for which it can't be taken. sent_on stands
-- for the sent_date that a row lacks, unless it is of the holdout; entered_on for the day that it says the customer
-- entered. A row without anything sent is one that was left alone.
with sent_rows as (
    select
        r.line,
        r.customer_id,
        k.customer_key,
        m.customer_key is not null as is_member,
        m.campaign_group as member_group,
        m.as_of_date as member_entered_date,
        coalesce(r.offer, m.offer, '') as offer,
        r.channel,
        r.cost,
        r.campaign_group,
        r.reason,
        case
            when r.sent_date is null and not r.is_left_alone and coalesce(r.campaign_group, '') <> 'holdout'
                then cast(:sent_on as date)
            else r.sent_date
        end as sent_date,
        r.is_left_alone or coalesce(r.campaign_group, '') = 'holdout' as may_be_left_alone,
        coalesce(cast(:entered_on as date), r.entered_date, r.sent_date, cast(:sent_on as date)) as entered_date
    from recording_rows as r
    left join staging.customer_keys as k on r.customer_id = k.customer_id
    left join ops.campaign_members as m
        on k.customer_key = m.customer_key and m.campaign = :campaign
),

counted_rows as (
    select
        s.line,
        s.customer_id,
        s.customer_key,
        s.is_member,
        s.member_group,
        case when cast(:is_list as boolean) then s.member_group else s.campaign_group end as campaign_group,
        s.offer,
        s.channel,
        s.cost,
        s.reason,
        s.sent_date,
        s.may_be_left_alone,
        case when s.is_member then s.member_entered_date else s.entered_date end as entered_date,
        min(s.campaign_group) over (partition by s.customer_key) as first_group,
        max(s.campaign_group) over (partition by s.customer_key) as last_group,
        row_number() over (
            partition by s.customer_key, s.sent_date, s.offer, s.reason
            order by s.line asc
        ) as place
    from sent_rows as s
)

insert into checked_rows (
    line, customer_id, customer_key, sent_date, offer, channel, cost, campaign_group, entered_date, is_new, reason
)
select
    c.line,
    c.customer_id,
    c.customer_key,
    c.sent_date,
    c.offer,
    c.channel,
    c.cost,
    coalesce(c.campaign_group, c.member_group) as campaign_group,
    c.entered_date,
    not c.is_member
    or (
        c.sent_date is not null
        and not exists (
            select 1
            from ops.campaign_contacts as o
            where
                o.campaign = :campaign
                and o.customer_key = c.customer_key
                and o.sent_date = c.sent_date
                and o.offer = c.offer
        )
    ) as is_new,
    case
        when c.reason is not null then c.reason
        when c.customer_key is null then 'unknown customer'
        when c.sent_date > cast(:today as date) then 'sent in the future'
        when cast(:is_list as boolean) and not c.is_member then 'not in this campaign'
        when cast(:is_list as boolean) and c.sent_date is null and not c.may_be_left_alone then 'no sent_date'
        when not cast(:is_list as boolean) and c.first_group <> c.last_group then 'in both groups'
        when not c.is_member and c.campaign_group is null then 'in no group'
        when not cast(:is_list as boolean) and c.campaign_group <> c.member_group then 'in the other group already'
        when c.entered_date is null then 'no day of entry'
        when c.entered_date > cast(:today as date) then 'entered in the future'
        when c.sent_date < c.entered_date then 'sent before the customer entered'
        when c.place > 1 then 'twice in the sheet'
    end as reason
from counted_rows as c
