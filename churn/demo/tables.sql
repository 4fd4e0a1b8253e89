-- The simulated company's own database: five tables such as a subscription business has.
-- Loaded first and indexed afterwards (indexes.sql).

drop table if exists public.customers;
drop table if exists public.subscriptions;
drop table if exists public.payments;
drop table if exists public.usage_events;
drop table if exists public.support_tickets;

create table public.customers (
    customer_id text not null,
    signed_up_at timestamptz not null,
    country text not null,
    industry text not null,
    employees integer not null,
    contactable boolean not null,
    updated_at timestamptz not null
);

create table public.subscriptions (
    subscription_id bigint not null,
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
    payment_id bigint not null,
    customer_id text not null,
    paid_at timestamptz not null,
    amount numeric(12, 2) not null,
    status text not null,
    updated_at timestamptz not null
);

create table public.usage_events (
    event_id bigint not null,
    customer_id text not null,
    occurred_at timestamptz not null,
    event_type text not null,
    quantity double precision not null
);

create table public.support_tickets (
    ticket_id bigint not null,
    customer_id text not null,
    opened_at timestamptz not null,
    closed_at timestamptz,
    severity text not null,
    satisfaction integer,
    updated_at timestamptz not null
);
