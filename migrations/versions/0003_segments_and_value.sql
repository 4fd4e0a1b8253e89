-- Frozen DDL of revision 0003: never edited after release.

ALTER TABLE scores.customer_scores
    ADD COLUMN clv_low NUMERIC,
    ADD COLUMN clv_high NUMERIC,
    ADD COLUMN p_alive DOUBLE PRECISION,
    ADD COLUMN value_tier TEXT,
    ADD COLUMN lifecycle_stage TEXT,
    ADD COLUMN recency_quintile SMALLINT,
    ADD COLUMN frequency_quintile SMALLINT,
    ADD COLUMN monetary_quintile SMALLINT,
    ADD COLUMN previous_segment TEXT,
    ADD COLUMN segment_since_date DATE;

ALTER TABLE scores.attempt_clv
    ADD COLUMN clv_low DOUBLE PRECISION,
    ADD COLUMN clv_high DOUBLE PRECISION,
    ADD COLUMN p_alive DOUBLE PRECISION,
    ADD COLUMN variance DOUBLE PRECISION,
    ADD COLUMN shifts DOUBLE PRECISION[];

CREATE TABLE ops.segment_events (
    event_id BIGINT GENERATED ALWAYS AS IDENTITY,
    as_of_date DATE NOT NULL,
    model_version TEXT NOT NULL,
    previous_version TEXT,
    segment_id INTEGER NOT NULL,
    segment TEXT NOT NULL,
    event TEXT NOT NULL,
    previous_segment TEXT,
    related_segments TEXT[] NOT NULL,
    shared_customers BIGINT,
    shared_share DOUBLE PRECISION,
    reason TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    run_id BIGINT NOT NULL,
    CONSTRAINT pk_segment_events PRIMARY KEY (event_id),
    CONSTRAINT ck_segment_events_event CHECK (event in ('born', 'kept', 'renamed', 'split', 'merged', 'retired')),
    CONSTRAINT uq_segment_events_model_version UNIQUE (model_version, segment_id, event)
);

CREATE TABLE ops.clv_backtests (
    model_version TEXT NOT NULL,
    method TEXT NOT NULL,
    from_date DATE NOT NULL,
    to_date DATE NOT NULL,
    customers BIGINT NOT NULL,
    predicted NUMERIC NOT NULL,
    realised NUMERIC NOT NULL,
    mean_absolute_error DOUBLE PRECISION NOT NULL,
    decile_error DOUBLE PRECISION,
    rank_correlation DOUBLE PRECISION,
    is_used BOOLEAN NOT NULL,
    is_best BOOLEAN NOT NULL,
    CONSTRAINT pk_clv_backtests PRIMARY KEY (model_version, method)
);

CREATE TABLE ops.clv_deciles (
    model_version TEXT NOT NULL,
    method TEXT NOT NULL,
    decile INTEGER NOT NULL,
    customers BIGINT NOT NULL,
    predicted NUMERIC NOT NULL,
    realised NUMERIC NOT NULL,
    CONSTRAINT pk_clv_deciles PRIMARY KEY (model_version, method, decile)
);

CREATE TABLE scores.clv_totals (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    dimension TEXT NOT NULL,
    value TEXT NOT NULL,
    customers BIGINT NOT NULL,
    clv NUMERIC NOT NULL,
    clv_low NUMERIC,
    clv_high NUMERIC,
    clv_if_retained NUMERIC NOT NULL,
    CONSTRAINT pk_clv_totals PRIMARY KEY (as_of_date, run_id, dimension, value)
)
 PARTITION BY RANGE (as_of_date);
