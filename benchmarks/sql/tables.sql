-- The tables of a company for the benchmark. Every value is a hash of what it belongs to, so that the same company
-- comes out whatever the plan, and a later day can be told without remembering anything.
create schema if not exists bench;

create or replace function bench.share(item bigint, stream bigint) returns double precision
language sql immutable parallel safe
return (hashint8extended(item, stream) & 1048575) / 1048576.0;

-- The day on which a customer leaves, evenly spread: the share of them given leaves in the year before as_of.
create or replace function bench.left_on(customer bigint, as_of date, churn_share double precision) returns date
language sql immutable parallel safe
return as_of - 365 + cast(floor(bench.share(customer, 1) / churn_share * 365) as integer);

create or replace function bench.event_type(item bigint) returns text
language sql immutable parallel safe
return (array['login', 'login', 'login', 'view', 'view', 'view', 'search', 'search', 'export', 'invite'])[
    1 + cast(floor(bench.share(item, 4) * 10) as integer)
];

create table public.customers (
    customer_id text primary key,
    signed_up_at timestamptz not null,
    country text not null,
    contactable boolean not null,
    updated_at timestamptz not null
);

create table public.subscriptions (
    subscription_id bigint primary key,
    customer_id text not null,
    plan text not null,
    mrr numeric(12, 2) not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    billing_months integer not null,
    discount_until date,
    updated_at timestamptz not null
);

create table public.payments (
    payment_id bigint primary key,
    customer_id text not null,
    paid_at timestamptz not null,
    amount numeric(12, 2) not null,
    status text not null,
    updated_at timestamptz not null
);

create table public.usage_events (
    event_id bigint primary key,
    customer_id text not null,
    occurred_at timestamptz not null,
    event_type text not null,
    quantity double precision not null
);

create table public.support_tickets (
    ticket_id bigint primary key,
    customer_id text not null,
    opened_at timestamptz not null,
    closed_at timestamptz,
    severity text not null,
    satisfaction integer,
    updated_at timestamptz not null
);
