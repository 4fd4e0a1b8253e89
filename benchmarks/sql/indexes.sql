-- What a company would have: indexes on the times by which its rows are asked for.
create index usage_events_occurred_at_idx on public.usage_events (occurred_at);
create index customers_updated_at_idx on public.customers (updated_at);
create index subscriptions_updated_at_idx on public.subscriptions (updated_at);
create index payments_updated_at_idx on public.payments (updated_at);
create index support_tickets_updated_at_idx on public.support_tickets (updated_at);
