-- name: curve
-- writes: none
-- grain: days of silence
-- reads: spells
-- params: most_days, fewest_spells
-- window: none
--
-- Kaplan-Meier: of the silences that reached a day, some ended on it because the customer came back, others are still
-- going on and say nothing of the day they have reached, which is not over, nor of the days to come. The last day
-- counted is the one that enough silences were seen through.
with ended as (
    select
        least(s.days, cast(:most_days as integer) + 1) as days,
        count(*) as spells,
        count(*) filter (where s.came_back) as came_back
    from spells as s
    group by least(s.days, cast(:most_days as integer) + 1)
),

reached as (
    select
        e.days,
        e.came_back,
        sum(e.spells) over (
            order by e.days desc
            rows between unbounded preceding and current row
        ) - (e.spells - e.came_back) as silences
    from ended as e
),

kept as (
    select
        r.days,
        r.came_back,
        r.silences,
        exp(
            sum(ln(greatest(1 - cast(r.came_back as double precision) / r.silences, 1e-12))) over (
                order by r.days asc
                rows between unbounded preceding and current row
            )
        ) as still_silent
    from reached as r
    where r.days <= cast(:most_days as integer) and r.silences >= cast(:fewest_spells as integer)
)

select
    k.days,
    k.silences,
    k.came_back,
    k.still_silent,
    1 - min(k.still_silent) over () / k.still_silent as come_back_later
from kept as k
order by k.days
