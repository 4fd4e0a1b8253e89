-- name: model_curves
-- writes: view bi.model_curves
-- grain: model version × evaluation × segment × curve × point
-- reads: ops.model_curves, ops.models
-- params: none
-- window: none
-- comment: Points of the curves that show how well a model ranks customers, ready to be drawn.
-- example: select x, y from bi.model_curves where model_status = 'champion' and evaluation = 'out_of_time' and segment = 'all' and curve = 'lift' order by point
-- column.model_version: Version of the model.
-- column.curve: roc = x false positive rate, y recall; pr = x recall, y precision; lift = x share of customers contacted, the riskiest first, y how many times more churners are among them than among as many drawn at random.
-- column.point: Order of the points along the curve.
-- column.x: Horizontal place, from 0 to 1.
-- column.y: Vertical place; from 0 to 1 but for lift.
-- column.evaluation: out_of_time = tested on months after those it was trained on; realised = published nights whose horizon has passed.
-- column.segment: Segment, or all.
-- column.model_status: champion = in use; challenger = stored; retired = was in use.
-- type.model_version: text
-- type.curve: text
-- type.point: integer
-- type.x: double precision
-- type.y: double precision
-- type.evaluation: text
-- type.segment: text
-- type.model_status: text
select
    c.model_version,
    c.curve,
    c.point,
    c.x,
    c.y,
    c.evaluation,
    case when c.segment = '' then 'all' else c.segment end as segment,
    m.status as model_status
from ops.model_curves as c
inner join ops.models as m on c.model_version = m.model_version
