-- Frozen DDL of revision 0002: never edited after release.

ALTER TABLE ops.model_performance
    ADD COLUMN list_size DOUBLE PRECISION,
    ADD COLUMN recall_at_list DOUBLE PRECISION,
    ADD COLUMN precision_at_list DOUBLE PRECISION,
    ADD COLUMN ece_perfect_p95 DOUBLE PRECISION,
    ADD COLUMN expected_net_value DOUBLE PRECISION;

ALTER TABLE scores.customer_scores
    ADD COLUMN reason_1 TEXT,
    ADD COLUMN reason_2 TEXT,
    ADD COLUMN reason_3 TEXT;

ALTER TABLE scores.at_risk_list
    ADD COLUMN reason_1 TEXT,
    ADD COLUMN reason_2 TEXT,
    ADD COLUMN reason_3 TEXT;

CREATE TABLE ops.model_events (
    event_id BIGINT GENERATED ALWAYS AS IDENTITY,
    model_version TEXT NOT NULL,
    kind TEXT NOT NULL,
    event TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    run_id BIGINT,
    CONSTRAINT pk_model_events PRIMARY KEY (event_id),
    CONSTRAINT ck_model_events_event CHECK (event in ('registered', 'promoted', 'retired', 'rolled_back'))
);

CREATE TABLE ops.performance_figures (
    model_version TEXT NOT NULL,
    evaluation TEXT NOT NULL,
    segment TEXT NOT NULL,
    predictor TEXT NOT NULL,
    figure TEXT NOT NULL,
    value DOUBLE PRECISION,
    low DOUBLE PRECISION,
    high DOUBLE PRECISION,
    CONSTRAINT pk_performance_figures PRIMARY KEY (model_version, evaluation, segment, predictor, figure)
);

CREATE TABLE ops.threshold_tradeoff (
    model_version TEXT NOT NULL,
    evaluation TEXT NOT NULL,
    segment TEXT NOT NULL,
    kind TEXT NOT NULL,
    cutoff DOUBLE PRECISION NOT NULL,
    contacted DOUBLE PRECISION NOT NULL,
    precision DOUBLE PRECISION,
    recall DOUBLE PRECISION,
    false_alarms DOUBLE PRECISION NOT NULL,
    expected_net_value DOUBLE PRECISION,
    is_chosen BOOLEAN NOT NULL,
    CONSTRAINT pk_threshold_tradeoff PRIMARY KEY (model_version, evaluation, segment, kind, cutoff),
    CONSTRAINT ck_threshold_tradeoff_kind CHECK (kind in ('threshold', 'list_size'))
);

CREATE TABLE ops.calibration_bins (
    model_version TEXT NOT NULL,
    evaluation TEXT NOT NULL,
    segment TEXT NOT NULL,
    bin INTEGER NOT NULL,
    predicted DOUBLE PRECISION NOT NULL,
    observed DOUBLE PRECISION NOT NULL,
    observed_low DOUBLE PRECISION,
    observed_high DOUBLE PRECISION,
    customers BIGINT NOT NULL,
    CONSTRAINT pk_calibration_bins PRIMARY KEY (model_version, evaluation, segment, bin)
);

CREATE TABLE ops.model_curves (
    model_version TEXT NOT NULL,
    evaluation TEXT NOT NULL,
    segment TEXT NOT NULL,
    curve TEXT NOT NULL,
    point INTEGER NOT NULL,
    x DOUBLE PRECISION NOT NULL,
    y DOUBLE PRECISION NOT NULL,
    CONSTRAINT pk_model_curves PRIMARY KEY (model_version, evaluation, segment, curve, point),
    CONSTRAINT ck_model_curves_curve CHECK (curve in ('roc', 'pr', 'lift'))
);

CREATE TABLE ops.realised_nights (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    model_version TEXT NOT NULL,
    customers BIGINT NOT NULL,
    churners BIGINT NOT NULL,
    treated_left_out BIGINT NOT NULL,
    evaluated_run_id BIGINT NOT NULL,
    CONSTRAINT pk_realised_nights PRIMARY KEY (as_of_date)
);

CREATE TABLE ops.realised_figures (
    as_of_date DATE NOT NULL,
    figure TEXT NOT NULL,
    value DOUBLE PRECISION,
    expected DOUBLE PRECISION,
    low DOUBLE PRECISION,
    high DOUBLE PRECISION,
    status TEXT NOT NULL,
    CONSTRAINT pk_realised_figures PRIMARY KEY (as_of_date, figure),
    CONSTRAINT ck_realised_figures_status CHECK (status in ('inside', 'outside', 'warning', 'unknown'))
);

CREATE TABLE ops.feature_drift (
    run_id BIGINT NOT NULL,
    feature TEXT NOT NULL,
    as_of_date DATE NOT NULL,
    model_version TEXT NOT NULL,
    psi DOUBLE PRECISION,
    unseen_share DOUBLE PRECISION NOT NULL,
    missing_share DOUBLE PRECISION NOT NULL,
    missing_share_trained DOUBLE PRECISION NOT NULL,
    status TEXT NOT NULL,
    CONSTRAINT pk_feature_drift PRIMARY KEY (run_id, feature),
    CONSTRAINT ck_feature_drift_status CHECK (status in ('ok', 'warn', 'fail'))
);

CREATE TABLE scores.churn_drivers (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    segment TEXT NOT NULL,
    driver TEXT NOT NULL,
    direction TEXT NOT NULL,
    importance DOUBLE PRECISION NOT NULL,
    customers_affected BIGINT NOT NULL,
    description TEXT NOT NULL,
    CONSTRAINT pk_churn_drivers PRIMARY KEY (as_of_date, run_id, segment, driver)
)
 PARTITION BY RANGE (as_of_date);

CREATE UNLOGGED TABLE scores.attempt_reasons (
    customer_key BIGINT NOT NULL,
    reason_1 TEXT,
    reason_2 TEXT,
    reason_3 TEXT
);

INSERT INTO ops.model_events (model_version, kind, event, at, actor, reason, run_id)
SELECT
    m.model_version,
    m.kind,
    'promoted' AS event,
    m.created_at AS at,
    'migration 0002' AS actor,
    m.reason,
    m.run_id
FROM ops.models AS m
WHERE m.status = 'champion';
