-- name: error_samples
-- writes: ops.runs, ops.run_stages, ops.alerts
-- grain: text that has samples of quarantined rows
-- reads: none
-- params: none
-- window: none
--
-- Releases before this one told samples in the error of a run (`3 key missing (such as …); …`). Whose they are nobody can
-- tell, so all go; a text that was cut off goes from there.
with run_errors as (
    update ops.runs
    set error = regexp_replace(runs.error, ' \(such as .*?(?:\)(?=; [0-9,]+ [a-z]|\. Nothing was changed)|$)', '', 'g')
    where runs.error like '%rows of % can''t be used%(such as %'
    returning runs.run_id
),

stage_errors as (
    update ops.run_stages
    set
        error = regexp_replace(
            run_stages.error, ' \(such as .*?(?:\)(?=; [0-9,]+ [a-z]|\. Nothing was changed)|$)', '', 'g'
        )
    where run_stages.error like '%rows of % can''t be used%(such as %'
    returning run_stages.run_id
),

alert_texts as (
    update ops.alerts
    set
        detail = regexp_replace(
            alerts.detail, ' \(such as .*?(?:\)(?=; [0-9,]+ [a-z]|\. Nothing was changed)|$)', '', 'g'
        )
    where alerts.detail like '%rows of % can''t be used%(such as %'
    returning alerts.alert_id
)

select
    (select count(*) from run_errors) as run_errors,
    (select count(*) from stage_errors) as stage_errors,
    (select count(*) from alert_texts) as alert_texts
