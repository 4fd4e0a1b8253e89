-- Keys and indexes of the simulated company's tables, made once the rows are there.

alter table public.customers add constraint customers_pkey primary key (customer_id);
alter table public.subscriptions add constraint subscriptions_pkey primary key (subscription_id);
alter table public.payments add constraint payments_pkey primary key (payment_id);
alter table public.usage_events add constraint usage_events_pkey primary key (event_id);
alter table public.support_tickets add constraint support_tickets_pkey primary key (ticket_id);

create index subscriptions_customer_id_idx on public.subscriptions (customer_id);
create index payments_customer_id_idx on public.payments (customer_id);
create index support_tickets_customer_id_idx on public.support_tickets (customer_id);

create index usage_events_occurred_at_idx on public.usage_events (occurred_at);
create index customers_updated_at_idx on public.customers (updated_at);
create index subscriptions_updated_at_idx on public.subscriptions (updated_at);
create index payments_updated_at_idx on public.payments (updated_at);
create index support_tickets_updated_at_idx on public.support_tickets (updated_at);

analyze public.customers;
analyze public.subscriptions;
analyze public.payments;
analyze public.usage_events;
analyze public.support_tickets;
