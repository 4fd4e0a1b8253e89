-- Frozen DDL of revision 0004: never edited after release.

ALTER TABLE scores.customer_scores
    ADD COLUMN plan TEXT,
    ADD COLUMN driver_1 TEXT,
    ADD COLUMN driver_2 TEXT,
    ADD COLUMN driver_3 TEXT;

ALTER TABLE scores.at_risk_list
    ADD COLUMN value_tier TEXT,
    ADD COLUMN plan TEXT,
    ADD COLUMN offer TEXT,
    ADD COLUMN recommended_action TEXT,
    ADD COLUMN expected_net_value NUMERIC,
    ADD COLUMN offer_cost NUMERIC,
    ADD COLUMN save_rate DOUBLE PRECISION,
    ADD COLUMN why TEXT,
    ADD COLUMN entered_as_of_date DATE;

ALTER TABLE scores.attempt_reasons
    ADD COLUMN driver_1 TEXT,
    ADD COLUMN driver_2 TEXT,
    ADD COLUMN driver_3 TEXT;

CREATE TABLE ops.campaigns (
    campaign TEXT NOT NULL,
    kind TEXT NOT NULL,
    seed BIGINT,
    holdout_share DOUBLE PRECISION,
    started_as_of_date DATE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    run_id BIGINT NOT NULL,
    CONSTRAINT pk_campaigns PRIMARY KEY (campaign),
    CONSTRAINT ck_campaigns_kind CHECK (kind in ('list', 'recorded'))
);

CREATE TABLE ops.campaign_recordings (
    recording_id BIGINT GENERATED ALWAYS AS IDENTITY,
    campaign TEXT NOT NULL,
    source TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    rows_read BIGINT NOT NULL,
    rows_used BIGINT NOT NULL,
    rows_known BIGINT NOT NULL,
    rows_refused BIGINT NOT NULL,
    refused JSONB NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    run_id BIGINT NOT NULL,
    CONSTRAINT pk_campaign_recordings PRIMARY KEY (recording_id)
);

CREATE TABLE ops.campaign_members (
    campaign TEXT NOT NULL,
    customer_key BIGINT NOT NULL,
    as_of_date DATE NOT NULL,
    campaign_group TEXT NOT NULL,
    offer TEXT,
    segment TEXT,
    risk_band TEXT,
    churn_probability DOUBLE PRECISION,
    clv_if_retained NUMERIC,
    value_at_risk NUMERIC,
    mrr NUMERIC,
    offer_cost NUMERIC,
    save_rate DOUBLE PRECISION,
    expected_net_value NUMERIC,
    list_run_id BIGINT,
    recording_id BIGINT,
    CONSTRAINT pk_campaign_members PRIMARY KEY (campaign, customer_key),
    CONSTRAINT ck_campaign_members_campaign_group CHECK (campaign_group in ('treatment', 'holdout'))
);

CREATE INDEX ix_campaign_members_as_of_date ON ops.campaign_members (as_of_date);

CREATE INDEX ix_campaign_members_customer_key ON ops.campaign_members (customer_key);

CREATE TABLE ops.campaign_contacts (
    campaign TEXT NOT NULL,
    customer_key BIGINT NOT NULL,
    sent_date DATE NOT NULL,
    offer TEXT DEFAULT '' NOT NULL,
    channel TEXT,
    cost NUMERIC,
    recording_id BIGINT NOT NULL,
    CONSTRAINT pk_campaign_contacts PRIMARY KEY (campaign, customer_key, sent_date, offer)
);

CREATE INDEX ix_campaign_contacts_customer_key ON ops.campaign_contacts (customer_key);

CREATE TABLE ops.campaign_outcomes (
    campaign TEXT NOT NULL,
    customer_key BIGINT NOT NULL,
    as_of_date DATE NOT NULL,
    matured_date DATE NOT NULL,
    churned BOOLEAN,
    revenue NUMERIC,
    is_active BOOLEAN,
    run_id BIGINT NOT NULL,
    CONSTRAINT pk_campaign_outcomes PRIMARY KEY (campaign, customer_key)
);

CREATE TABLE ops.campaign_results (
    campaign TEXT NOT NULL,
    arm TEXT NOT NULL,
    as_of_date DATE NOT NULL,
    first_as_of_date DATE NOT NULL,
    last_as_of_date DATE NOT NULL,
    assigned_treatment BIGINT NOT NULL,
    assigned_holdout BIGINT NOT NULL,
    contacted_treatment BIGINT NOT NULL,
    contacted_holdout BIGINT NOT NULL,
    measured_treatment BIGINT NOT NULL,
    measured_holdout BIGINT NOT NULL,
    not_measured BIGINT NOT NULL,
    retained_rate_treatment DOUBLE PRECISION,
    retained_rate_holdout DOUBLE PRECISION,
    incremental_retention DOUBLE PRECISION,
    incremental_retention_low DOUBLE PRECISION,
    incremental_retention_high DOUBLE PRECISION,
    save_rate DOUBLE PRECISION,
    save_rate_low DOUBLE PRECISION,
    save_rate_high DOUBLE PRECISION,
    active_rate_treatment DOUBLE PRECISION,
    active_rate_holdout DOUBLE PRECISION,
    incremental_active_rate DOUBLE PRECISION,
    incremental_active_rate_low DOUBLE PRECISION,
    incremental_active_rate_high DOUBLE PRECISION,
    detectable_effect DOUBLE PRECISION,
    roi DOUBLE PRECISION,
    roi_low DOUBLE PRECISION,
    roi_high DOUBLE PRECISION,
    revenue_per_treatment NUMERIC,
    revenue_per_holdout NUMERIC,
    incremental_revenue_each NUMERIC,
    incremental_revenue_each_low NUMERIC,
    incremental_revenue_each_high NUMERIC,
    incremental_revenue NUMERIC,
    incremental_revenue_low NUMERIC,
    incremental_revenue_high NUMERIC,
    incremental_value NUMERIC,
    incremental_value_low NUMERIC,
    incremental_value_high NUMERIC,
    cost NUMERIC,
    cost_measured NUMERIC,
    cost_basis TEXT,
    verdict TEXT NOT NULL,
    computed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    run_id BIGINT NOT NULL,
    CONSTRAINT pk_campaign_results PRIMARY KEY (campaign, arm)
);

CREATE TABLE ops.exports (
    export_id BIGINT GENERATED ALWAYS AS IDENTITY,
    what TEXT NOT NULL,
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    format TEXT NOT NULL,
    target TEXT NOT NULL,
    with_holdout BOOLEAN NOT NULL,
    rows BIGINT NOT NULL,
    sha256 TEXT,
    exported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_exports PRIMARY KEY (export_id)
);

CREATE INDEX ix_exports_target ON ops.exports (target);

CREATE TABLE scores.customer_offers (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    customer_key BIGINT NOT NULL,
    list_status TEXT NOT NULL,
    offer TEXT,
    expected_net_value NUMERIC,
    offer_cost NUMERIC,
    save_rate DOUBLE PRECISION,
    CONSTRAINT pk_customer_offers PRIMARY KEY (as_of_date, run_id, customer_key)
)
 PARTITION BY RANGE (as_of_date);

CREATE TABLE scores.list_exclusions (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    list_status TEXT NOT NULL,
    customers BIGINT NOT NULL,
    value_at_risk NUMERIC,
    expected_net_value NUMERIC,
    CONSTRAINT pk_list_exclusions PRIMARY KEY (as_of_date, run_id, list_status)
)
 PARTITION BY RANGE (as_of_date);

CREATE TABLE scores.campaign_lists (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    campaign TEXT NOT NULL,
    listed BIGINT NOT NULL,
    treatment BIGINT NOT NULL,
    holdout BIGINT NOT NULL,
    entering BIGINT NOT NULL,
    members_to_date BIGINT NOT NULL,
    expected_churn_rate DOUBLE PRECISION,
    expected_save_rate DOUBLE PRECISION,
    detectable_effect DOUBLE PRECISION,
    detectable_save_rate DOUBLE PRECISION,
    detectable_effect_to_date DOUBLE PRECISION,
    planned_cost NUMERIC,
    expected_net_value NUMERIC,
    smallest_balance_p DOUBLE PRECISION,
    statement TEXT NOT NULL,
    is_rehearsal BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_campaign_lists PRIMARY KEY (as_of_date, run_id, campaign)
)
 PARTITION BY RANGE (as_of_date);

CREATE TABLE scores.campaign_balance (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    campaign TEXT NOT NULL,
    dimension TEXT NOT NULL,
    value TEXT NOT NULL,
    treatment BIGINT NOT NULL,
    holdout BIGINT NOT NULL,
    expected_holdout DOUBLE PRECISION NOT NULL,
    p_value DOUBLE PRECISION,
    CONSTRAINT pk_campaign_balance PRIMARY KEY (as_of_date, run_id, campaign, dimension, value)
)
 PARTITION BY RANGE (as_of_date);

CREATE TABLE scores.save_rates (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    offer TEXT NOT NULL,
    dimension TEXT NOT NULL,
    value TEXT NOT NULL,
    assumed DOUBLE PRECISION NOT NULL,
    campaigns INTEGER NOT NULL,
    treatment BIGINT NOT NULL,
    holdout BIGINT NOT NULL,
    measured DOUBLE PRECISION,
    variance DOUBLE PRECISION,
    between_variance DOUBLE PRECISION,
    save_rate DOUBLE PRECISION NOT NULL,
    probability_harmful DOUBLE PRECISION NOT NULL,
    CONSTRAINT pk_save_rates PRIMARY KEY (as_of_date, run_id, offer, dimension, value)
)
 PARTITION BY RANGE (as_of_date);

CREATE TABLE scores.kpi_months (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    month DATE NOT NULL,
    dimension TEXT NOT NULL,
    value TEXT NOT NULL,
    customers_start BIGINT NOT NULL,
    "new" BIGINT NOT NULL,
    reactivated BIGINT NOT NULL,
    churned BIGINT,
    customers_end BIGINT,
    mrr_start NUMERIC,
    mrr_new NUMERIC,
    mrr_expansion NUMERIC,
    mrr_contraction NUMERIC,
    mrr_churned NUMERIC,
    mrr_reactivated NUMERIC,
    mrr_end NUMERIC,
    revenue NUMERIC,
    avg_clv NUMERIC,
    horizon_customers BIGINT,
    horizon_churned BIGINT,
    is_provisional BOOLEAN NOT NULL,
    CONSTRAINT pk_kpi_months PRIMARY KEY (as_of_date, run_id, month, dimension, value)
)
 PARTITION BY RANGE (as_of_date);

CREATE TABLE scores.cohort_months (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    signup_month DATE NOT NULL,
    months_since INTEGER NOT NULL,
    customers BIGINT NOT NULL,
    retained BIGINT NOT NULL,
    revenue NUMERIC,
    is_provisional BOOLEAN NOT NULL,
    CONSTRAINT pk_cohort_months PRIMARY KEY (as_of_date, run_id, signup_month, months_since)
)
 PARTITION BY RANGE (as_of_date);

CREATE TABLE scores.month_segments (
    as_of_date DATE NOT NULL,
    customer_key BIGINT NOT NULL,
    segment_id INTEGER NOT NULL,
    segment TEXT NOT NULL,
    CONSTRAINT pk_month_segments PRIMARY KEY (as_of_date, customer_key)
)
 PARTITION BY RANGE (as_of_date);

CREATE TABLE scores.insights (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    priority INTEGER NOT NULL,
    insight TEXT NOT NULL,
    question TEXT NOT NULL,
    subject TEXT NOT NULL,
    finding TEXT NOT NULL,
    evidence JSONB NOT NULL,
    recommendation TEXT NOT NULL,
    effect DOUBLE PRECISION,
    p_value DOUBLE PRECISION,
    CONSTRAINT pk_insights PRIMARY KEY (as_of_date, run_id, priority)
)
 PARTITION BY RANGE (as_of_date);

CREATE TABLE scores.group_outcomes (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    dimension TEXT NOT NULL,
    value TEXT NOT NULL,
    outcome_as_of_date DATE NOT NULL,
    customers BIGINT NOT NULL,
    churned BIGINT NOT NULL,
    others BIGINT NOT NULL,
    others_churned BIGINT NOT NULL,
    CONSTRAINT pk_group_outcomes PRIMARY KEY (as_of_date, run_id, dimension, value)
)
 PARTITION BY RANGE (as_of_date);

CREATE TABLE scores.week_changes (
    as_of_date DATE NOT NULL,
    run_id BIGINT NOT NULL,
    measure TEXT NOT NULL,
    value TEXT NOT NULL,
    compared_date DATE NOT NULL,
    customers BIGINT NOT NULL,
    figure_before DOUBLE PRECISION,
    figure DOUBLE PRECISION NOT NULL,
    change DOUBLE PRECISION,
    standard_error DOUBLE PRECISION,
    CONSTRAINT pk_week_changes PRIMARY KEY (as_of_date, run_id, measure, value)
)
 PARTITION BY RANGE (as_of_date);

CREATE INDEX ix_payments_customer_key ON staging.payments (customer_key);

CREATE INDEX ix_subscriptions_customer_key ON staging.subscriptions (customer_key);

CREATE INDEX ix_support_tickets_customer_key ON staging.support_tickets (customer_key);
