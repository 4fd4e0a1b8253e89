-- name: watermark
-- writes: ops.watermarks
-- grain: entity
-- reads: none
-- params: entity, mapping_digest, columns, read_through, updated_through, full_read_at, extracted_at, run_id
-- window: none
insert into ops.watermarks (
    entity, mapping_digest, columns, read_through, updated_through, full_read_at, extracted_at, run_id
)
values (
    :entity,
    :mapping_digest,
    cast(:columns as text[]),
    cast(:read_through as timestamp),
    cast(:updated_through as timestamp),
    cast(:full_read_at as timestamptz),
    cast(:extracted_at as timestamptz),
    cast(:run_id as bigint)
)
on conflict (entity) do update set
    mapping_digest = excluded.mapping_digest,
    columns = excluded.columns,
    read_through = excluded.read_through,
    updated_through = excluded.updated_through,
    full_read_at = excluded.full_read_at,
    extracted_at = excluded.extracted_at,
    run_id = excluded.run_id
