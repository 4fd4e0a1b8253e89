-- Frozen DDL of revision 0005: never edited after release.

ALTER TABLE ops.runs
    ADD COLUMN heartbeat_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN host TEXT,
    ADD COLUMN pid INTEGER,
    ADD COLUMN attempts INTEGER DEFAULT '1' NOT NULL,
    ADD COLUMN inputs_digest TEXT;

ALTER TABLE ops.run_stages
    ADD COLUMN attempts INTEGER DEFAULT '1' NOT NULL,
    ADD COLUMN error TEXT,
    ADD COLUMN state JSONB;

ALTER TABLE ops.extractions
    ADD COLUMN rows_forgotten BIGINT DEFAULT '0' NOT NULL;

ALTER TABLE scores.month_segments
    ADD COLUMN run_id BIGINT;

CREATE TABLE ops.alerts (
    alert_id BIGINT GENERATED ALWAYS AS IDENTITY,
    cause TEXT NOT NULL,
    severity TEXT NOT NULL,
    title TEXT NOT NULL,
    detail TEXT NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    opened_run_id BIGINT,
    last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_run_id BIGINT,
    closed_at TIMESTAMP WITH TIME ZONE,
    closed_run_id BIGINT,
    sent_to TEXT[] DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_alerts PRIMARY KEY (alert_id),
    CONSTRAINT ck_alerts_severity CHECK (severity in ('fail', 'warn'))
);

CREATE UNIQUE INDEX uq_alerts_open ON ops.alerts (cause) WHERE closed_at is null;

CREATE TABLE ops.past_nights (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    list_run_id BIGINT NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE NOT NULL,
    in_sample BOOLEAN NOT NULL,
    withdrawn_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_past_nights PRIMARY KEY (as_of_date)
);

CREATE TABLE ops.table_figures (
    run_id BIGINT NOT NULL,
    as_of_date DATE NOT NULL,
    table_name TEXT NOT NULL,
    figure TEXT NOT NULL,
    value DOUBLE PRECISION,
    usual DOUBLE PRECISION,
    CONSTRAINT pk_table_figures PRIMARY KEY (as_of_date, run_id, table_name, figure)
);

CREATE TABLE ops.tombstones (
    digest BYTEA NOT NULL,
    key_mark BYTEA NOT NULL,
    forgotten_at TIMESTAMP WITH TIME ZONE NOT NULL,
    run_id BIGINT NOT NULL,
    rows JSONB NOT NULL,
    CONSTRAINT pk_tombstones PRIMARY KEY (digest)
);

CREATE TABLE ops.writer (
    only_row BOOLEAN DEFAULT 'true' NOT NULL,
    fence BIGINT NOT NULL,
    job TEXT,
    as_of_date DATE,
    run_id BIGINT,
    host TEXT,
    pid INTEGER,
    backend_pid INTEGER,
    since TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_writer PRIMARY KEY (only_row),
    CONSTRAINT ck_writer_only_row CHECK (only_row)
);

INSERT INTO ops.writer (fence) VALUES (0);
