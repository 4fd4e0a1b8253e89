-- payments: one row per invoice.
--
-- Lines that are equal in all eight columns count once: the table has no line number, so that nothing tells a line that
-- was written twice from an item that was sold twice.
-- A cancellation (its number begins with C) is a refund; its quantities, and so its amount, are negative already.
-- Every line counts towards the amount, postage, discounts and manual corrections included: it is what was billed.
-- The lines of 43 invoices are a minute apart; the first counts. Prices are floating point with up to three decimals.
--
-- No filter on "CustomerID": extraction puts invoices without one aside and counts them (bi.data_quality).
with distinct_lines as (
    select distinct
        "InvoiceNo",
        "StockCode",
        "Description",
        "Quantity",
        "InvoiceDate",
        "UnitPrice",
        "CustomerID",
        "Country"
    from invoice_lines
)

select
    "InvoiceNo" as payment_id,
    "CustomerID" as customer_id,
    min("InvoiceDate") as paid_at,
    round(sum("Quantity" * cast("UnitPrice" as numeric)), 2) as amount,
    case when left("InvoiceNo", 1) = 'C' then 'refunded' else 'paid' end as status
from distinct_lines
group by "InvoiceNo", "CustomerID"
