"""What every model card says."""

from __future__ import annotations

USE = """\
To decide whom to contact first with an offer to stay, and to see in numbers which groups are at risk. It ranks and
counts customers; it does not say what to offer, nor that an offer works: the holdout of a campaign does.

Not for prices, credit, service levels or anything else that costs a customer something: it was neither built nor
tested for that."""

LIMITS = (
    "It knows what the company's tables know. A price rise, a competitor or an outage without precedent in the data is "
    "not in its probabilities.",
    "Figures are those of the tested months. How far later nights may stray from them before it is news is stored as "
    "prediction intervals; nights are held against them once their horizon has passed.",
    "Probabilities are right on average of many customers, not for one of them.",
    "It says who is likely to leave, not who can be kept: the riskiest are not always the best to contact.",
)

FAIRNESS = """\
The model is not told of age, sex, origin, religion, health or any other protected characteristic unless the company
maps one as an attribute; do not. An attribute such as a postcode or a first language can stand in for one. Nobody can
test here whether groups that the tables do not name are treated alike; the figures by segment above show where the
model is better and worse, and the same can be asked for any attribute from `bi.customer_scores_history`. To leave an
attribute out, leave it out of `source/customers.sql` and train again."""

REASONS = """\
Up to three reasons stand beside a customer in `bi.at_risk_customers` and `bi.customer_scores`, the weightiest first.
Each is a behaviour that makes this customer's risk higher than the average customer's, in the customer's own numbers
("logins fell from 41 to 6 in four weeks").

- They say what the model saw, not why the customer leaves. A good opening of a conversation; no proof.
- What lowers the risk is never listed as a reason. No reason at all means that nothing stands out.
- They are exact shares of the score before calibration (TreeSHAP for trees; coefficients times values for a logistic
  regression), summed from columns to behaviours and checked to add up. Two columns that tell the same story share its
  weight.
- `bi.churn_drivers` adds them up over customers: which behaviours drive churn, and for how many."""
