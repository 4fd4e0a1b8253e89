-- Frozen DDL of revision 0001: never edited after release.

CREATE TABLE ops.check_results (
    run_id BIGINT NOT NULL,
    check_name TEXT NOT NULL,
    severity TEXT NOT NULL,
    status TEXT NOT NULL,
    rows BIGINT NOT NULL,
    detail TEXT,
    CONSTRAINT pk_check_results PRIMARY KEY (run_id, check_name)
);

CREATE TABLE ops.extractions (
    run_id BIGINT NOT NULL,
    entity TEXT NOT NULL,
    mode TEXT NOT NULL,
    rows_read BIGINT NOT NULL,
    rows_used BIGINT NOT NULL,
    rows_quarantined BIGINT NOT NULL,
    rows_changed BIGINT NOT NULL,
    rows_deleted BIGINT NOT NULL,
    late_rows BIGINT NOT NULL,
    CONSTRAINT pk_extractions PRIMARY KEY (run_id, entity)
);

CREATE TABLE ops.feature_sets (
    feature_set_id BIGINT GENERATED ALWAYS AS IDENTITY,
    digest TEXT NOT NULL,
    numbers TEXT[] NOT NULL,
    categories TEXT[] NOT NULL,
    families TEXT[] NOT NULL,
    definitions JSONB NOT NULL,
    CONSTRAINT pk_feature_sets PRIMARY KEY (feature_set_id),
    CONSTRAINT uq_feature_sets_digest UNIQUE (digest)
);

CREATE TABLE ops.model_performance (
    model_version TEXT NOT NULL,
    evaluation TEXT NOT NULL,
    from_as_of_date DATE NOT NULL,
    to_as_of_date DATE NOT NULL,
    customer_months BIGINT NOT NULL,
    churners BIGINT NOT NULL,
    base_rate DOUBLE PRECISION,
    auc_roc DOUBLE PRECISION,
    auc_roc_low DOUBLE PRECISION,
    auc_roc_high DOUBLE PRECISION,
    pr_auc DOUBLE PRECISION,
    recall DOUBLE PRECISION,
    precision DOUBLE PRECISION,
    threshold DOUBLE PRECISION,
    lift_top_decile DOUBLE PRECISION,
    brier DOUBLE PRECISION,
    ece DOUBLE PRECISION,
    log_loss DOUBLE PRECISION,
    calibration_slope DOUBLE PRECISION,
    observed_expected DOUBLE PRECISION,
    baseline_auc DOUBLE PRECISION,
    logistic_regression_auc DOUBLE PRECISION,
    logistic_regression_log_loss DOUBLE PRECISION,
    base_rate_log_loss DOUBLE PRECISION,
    CONSTRAINT pk_model_performance PRIMARY KEY (model_version, evaluation)
);

CREATE TABLE ops.models (
    model_version TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    artifact TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    trained_as_of DATE NOT NULL,
    labels_end_date DATE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    run_id BIGINT NOT NULL,
    reason TEXT NOT NULL,
    details JSONB NOT NULL,
    CONSTRAINT pk_models PRIMARY KEY (model_version),
    CONSTRAINT ck_models_kind CHECK (kind in ('churn', 'segments', 'clv')),
    CONSTRAINT ck_models_status CHECK (status in ('champion', 'challenger', 'retired'))
);

CREATE UNIQUE INDEX uq_models_champion ON ops.models (kind) WHERE status = 'champion';

CREATE TABLE ops.published (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    list_run_id BIGINT NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE NOT NULL,
    in_sample BOOLEAN NOT NULL,
    CONSTRAINT pk_published PRIMARY KEY (as_of_date)
);

CREATE TABLE ops.quarantine (
    run_id BIGINT NOT NULL,
    entity TEXT NOT NULL,
    reason TEXT NOT NULL,
    rows BIGINT NOT NULL,
    samples JSONB NOT NULL,
    CONSTRAINT pk_quarantine PRIMARY KEY (run_id, entity, reason)
);

CREATE TABLE ops.run_stages (
    run_id BIGINT NOT NULL,
    stage TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    rows BIGINT,
    CONSTRAINT pk_run_stages PRIMARY KEY (run_id, stage)
);

CREATE TABLE ops.runs (
    run_id BIGINT GENERATED ALWAYS AS IDENTITY,
    job TEXT NOT NULL,
    as_of_date DATE NOT NULL,
    status TEXT NOT NULL,
    stage TEXT,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    rows JSONB DEFAULT '{}' NOT NULL,
    versions JSONB DEFAULT '{}' NOT NULL,
    config_digest TEXT NOT NULL,
    exit_code INTEGER,
    error TEXT,
    is_swept BOOLEAN DEFAULT 'false' NOT NULL,
    CONSTRAINT pk_runs PRIMARY KEY (run_id),
    CONSTRAINT ck_runs_status CHECK (status in ('running', 'succeeded', 'failed', 'died'))
);

CREATE TABLE ops.segment_outcomes (
    model_version TEXT NOT NULL,
    snapshot_id BIGINT NOT NULL,
    segment_id INTEGER NOT NULL,
    customers BIGINT NOT NULL,
    churned BIGINT NOT NULL,
    CONSTRAINT pk_segment_outcomes PRIMARY KEY (model_version, snapshot_id, segment_id)
);

CREATE TABLE ops.snapshots (
    snapshot_id BIGINT GENERATED ALWAYS AS IDENTITY,
    as_of_date DATE NOT NULL,
    origin TEXT NOT NULL,
    population TEXT NOT NULL,
    basis_digest TEXT NOT NULL,
    feature_set_id BIGINT NOT NULL,
    customers BIGINT NOT NULL,
    is_current BOOLEAN NOT NULL,
    run_id BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_snapshots PRIMARY KEY (snapshot_id),
    CONSTRAINT ck_snapshots_origin CHECK (origin in ('captured', 'reconstructed'))
);

CREATE UNIQUE INDEX uq_snapshots_current ON ops.snapshots (as_of_date) WHERE is_current;

CREATE TABLE ops.watermarks (
    entity TEXT NOT NULL,
    mapping_digest TEXT NOT NULL,
    columns TEXT[] NOT NULL,
    read_through TIMESTAMP WITHOUT TIME ZONE,
    updated_through TIMESTAMP WITHOUT TIME ZONE,
    full_read_at TIMESTAMP WITH TIME ZONE NOT NULL,
    extracted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    run_id BIGINT NOT NULL,
    CONSTRAINT pk_watermarks PRIMARY KEY (entity)
);

CREATE TABLE scores.at_risk_list (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    priority_rank INTEGER NOT NULL,
    customer_key BIGINT NOT NULL,
    segment_id INTEGER NOT NULL,
    risk_score DOUBLE PRECISION NOT NULL,
    churn_probability DOUBLE PRECISION,
    risk_percentile DOUBLE PRECISION NOT NULL,
    risk_band TEXT NOT NULL,
    mrr NUMERIC,
    clv NUMERIC,
    clv_if_retained NUMERIC,
    value_at_risk NUMERIC,
    segment TEXT NOT NULL,
    campaign TEXT NOT NULL,
    campaign_group TEXT NOT NULL,
    CONSTRAINT pk_at_risk_list PRIMARY KEY (as_of_date, run_id, customer_key)
)
 PARTITION BY RANGE (as_of_date);

CREATE UNLOGGED TABLE scores.attempt_clv (
    customer_key BIGINT NOT NULL,
    clv DOUBLE PRECISION,
    clv_if_retained DOUBLE PRECISION,
    value_if_churned DOUBLE PRECISION,
    expected_purchases DOUBLE PRECISION
);

CREATE UNLOGGED TABLE scores.attempt_risk (
    customer_key BIGINT NOT NULL,
    risk_score DOUBLE PRECISION NOT NULL,
    churn_probability DOUBLE PRECISION
);

CREATE UNLOGGED TABLE scores.attempt_segments (
    customer_key BIGINT NOT NULL,
    segment_id INTEGER NOT NULL
);

CREATE TABLE scores.customer_scores (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    customer_key BIGINT NOT NULL,
    segment_id INTEGER NOT NULL,
    risk_score DOUBLE PRECISION NOT NULL,
    churn_probability DOUBLE PRECISION,
    risk_percentile DOUBLE PRECISION NOT NULL,
    risk_band TEXT NOT NULL,
    mrr NUMERIC,
    clv NUMERIC,
    clv_if_retained NUMERIC,
    value_at_risk NUMERIC,
    expected_purchases DOUBLE PRECISION,
    CONSTRAINT pk_customer_scores PRIMARY KEY (as_of_date, run_id, customer_key)
)
 PARTITION BY RANGE (as_of_date);

CREATE TABLE scores.feature_snapshots (
    as_of_date DATE NOT NULL,
    snapshot_id BIGINT NOT NULL,
    customer_key BIGINT NOT NULL,
    mrr NUMERIC,
    numbers REAL[] NOT NULL,
    categories TEXT[] NOT NULL,
    CONSTRAINT pk_feature_snapshots PRIMARY KEY (as_of_date, snapshot_id, customer_key)
)
 PARTITION BY RANGE (as_of_date);

CREATE TABLE scores.segment_nights (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    segment_id INTEGER NOT NULL,
    segment TEXT NOT NULL,
    description TEXT NOT NULL,
    customers BIGINT NOT NULL,
    share DOUBLE PRECISION NOT NULL,
    mrr NUMERIC,
    avg_clv NUMERIC,
    avg_churn_probability DOUBLE PRECISION,
    realised_churn_rate DOUBLE PRECISION,
    realised_as_of_date DATE,
    CONSTRAINT pk_segment_nights PRIMARY KEY (as_of_date, run_id, segment_id)
)
 PARTITION BY RANGE (as_of_date);

CREATE TABLE staging.customer_attributes (
    customer_key BIGINT NOT NULL,
    name TEXT NOT NULL,
    text_value TEXT,
    number_value DOUBLE PRECISION,
    valid_from TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    learned_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_customer_attributes PRIMARY KEY (customer_key, name, valid_from)
);

CREATE TABLE staging.customer_keys (
    customer_key BIGINT GENERATED ALWAYS AS IDENTITY,
    customer_id TEXT NOT NULL,
    CONSTRAINT pk_customer_keys PRIMARY KEY (customer_key),
    CONSTRAINT ck_customer_keys_customer_id_length CHECK (length(customer_id) between 1 and 200),
    CONSTRAINT uq_customer_keys_customer_id UNIQUE (customer_id)
);

CREATE TABLE staging.customers (
    customer_id TEXT NOT NULL,
    customer_key BIGINT NOT NULL,
    signed_up_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    signed_up_date DATE NOT NULL,
    contactable BOOLEAN,
    attributes JSONB NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE,
    valid_from TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    learned_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_customers PRIMARY KEY (customer_id, valid_from)
);

CREATE UNIQUE INDEX uq_customers_current ON staging.customers (customer_id) WHERE valid_to = '9999-12-31';

CREATE TABLE staging.payments (
    payment_id TEXT NOT NULL,
    customer_key BIGINT NOT NULL,
    paid_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    paid_date DATE NOT NULL,
    amount NUMERIC NOT NULL,
    status TEXT NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE,
    valid_from TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    learned_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_payments PRIMARY KEY (payment_id, valid_from)
);

CREATE INDEX ix_payments_paid_date ON staging.payments (paid_date);

CREATE UNIQUE INDEX uq_payments_current ON staging.payments (payment_id) WHERE valid_to = '9999-12-31';

CREATE TABLE staging.subscriptions (
    subscription_id TEXT NOT NULL,
    customer_key BIGINT NOT NULL,
    plan TEXT,
    mrr NUMERIC NOT NULL,
    started_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    started_date DATE NOT NULL,
    ended_at TIMESTAMP WITHOUT TIME ZONE,
    ended_date DATE,
    billing_months INTEGER,
    discount_until DATE,
    updated_at TIMESTAMP WITHOUT TIME ZONE,
    valid_from TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    learned_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_subscriptions PRIMARY KEY (subscription_id, valid_from)
);

CREATE UNIQUE INDEX uq_subscriptions_current ON staging.subscriptions (subscription_id) WHERE valid_to = '9999-12-31';

CREATE TABLE staging.support_tickets (
    ticket_id TEXT NOT NULL,
    customer_key BIGINT NOT NULL,
    opened_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    opened_date DATE NOT NULL,
    closed_at TIMESTAMP WITHOUT TIME ZONE,
    closed_date DATE,
    severity TEXT,
    is_severe BOOLEAN NOT NULL,
    satisfaction NUMERIC,
    updated_at TIMESTAMP WITHOUT TIME ZONE,
    valid_from TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    learned_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_support_tickets PRIMARY KEY (ticket_id, valid_from)
);

CREATE UNIQUE INDEX uq_support_tickets_current ON staging.support_tickets (ticket_id) WHERE valid_to = '9999-12-31';

CREATE TABLE staging.usage_daily (
    customer_key BIGINT NOT NULL,
    usage_date DATE NOT NULL,
    event_type TEXT NOT NULL,
    events BIGINT NOT NULL,
    quantity NUMERIC NOT NULL,
    CONSTRAINT pk_usage_daily PRIMARY KEY (customer_key, usage_date, event_type)
)
 PARTITION BY RANGE (usage_date);
