-- name: session
-- writes: none
-- grain: the one session that looks
-- reads: none
-- params: none
-- window: none
select
    current_setting('server_version') as version,
    cast(current_setting('server_version_num') as integer) / 10000 as major,
    cast(session_user as text) as login,
    cast(current_user as text) as role,
    r.rolsuper as is_superuser,
    coalesce(s.ssl, false) as is_encrypted,
    s.version as tls_version,
    coalesce(host(inet_client_addr()) not like '127.%' and host(inet_client_addr()) <> '::1', false) as is_remote,
    current_setting('transaction_read_only') = 'on' as is_read_only,
    clock_timestamp() as clock
from pg_catalog.pg_roles as r
left join pg_catalog.pg_stat_ssl as s on s.pid = pg_backend_pid()
where r.rolname = session_user
