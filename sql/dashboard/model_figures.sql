-- name: model_figures
-- writes: none
-- grain: figure of one model, beside the baselines'
-- reads: bi.model_performance, bi.model_figures
-- params: version, evaluation, segment
-- window: none
with chosen_models as (
    select p.model_version
    from bi.model_performance as p
    where
        p.evaluation = 'out_of_time'
        and (cast(:version as text) is null or p.model_version = cast(:version as text))
    order by case when p.model_status = 'champion' then 0 else 1 end, p.trained_as_of desc, p.model_version desc
    limit 1
),

known_figures (place, figure, label, reading) as (
    values
    (
        1, 'auc_roc', 'AUC-ROC',
        'Of a customer who leaves and one who stays, how often it ranks the leaver higher. 0.5 is chance.'
    ),
    (
        2, 'pr_auc', 'PR-AUC',
        'Precision, averaged over lists of every length. Chance is the share who leave anyway.'
    ),
    (
        3, 'lift_top_decile', 'Lift of the top tenth',
        'How many times more leavers are in its riskiest tenth than in a tenth drawn at random.'
    ),
    (
        4, 'precision_at_list', 'Precision of the list',
        'Share of the customers on the list who leave.'
    ),
    (
        5, 'recall_at_list', 'Recall of the list',
        'Share of all who leave that the list holds.'
    ),
    (
        6, 'precision', 'Precision at the threshold',
        'Share of those at or above the threshold who leave.'
    ),
    (
        7, 'recall', 'Recall at the threshold',
        'Share of all who leave that stand at or above the threshold.'
    ),
    (
        8, 'expected_net_value', 'Net value a month',
        'What contacting everyone at or above the threshold would have earned, cost taken off.'
    ),
    (
        9, 'observed_expected', 'Observed over expected',
        'Leavers counted over leavers predicted. 1 is right; above 1 more leave than it says.'
    ),
    (
        10, 'calibration_slope', 'Calibration slope',
        '1 is right; below 1 its probabilities are too extreme, above 1 too timid.'
    ),
    (
        11, 'log_loss', 'Log loss',
        'What its probabilities miss, surprises weighing most. Lower is better.'
    ),
    (
        12, 'brier', 'Brier score',
        'Mean squared distance of probability and outcome. Lower is better.'
    ),
    (
        13, 'ece', 'Calibration error',
        'Average distance of predicted and observed share over 15 groups. Chance alone makes some.'
    )
)

select
    k.label,
    max(f.value) filter (where f.predictor = 'model') as value,
    max(f.low) filter (where f.predictor = 'model') as low,
    max(f.high) filter (where f.predictor = 'model') as high,
    max(f.value) filter (where f.predictor = 'logistic_regression') as logistic_regression,
    max(f.value) filter (where f.predictor = 'recency') as recency,
    max(f.value) filter (where f.predictor = 'base_rate') as base_rate,
    f.figure,
    k.reading
from chosen_models as c
inner join bi.model_figures as f on c.model_version = f.model_version
inner join known_figures as k on f.figure = k.figure
where f.evaluation = cast(:evaluation as text) and f.segment = cast(:segment as text)
group by k.place, k.label, f.figure, k.reading
order by k.place
