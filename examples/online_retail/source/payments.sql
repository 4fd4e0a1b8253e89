-- payments: one row per invoice.
--
-- Lines that are equal in all eight columns count once: the table has no line number, so that nothing tells a line that
-- was written twice from an item that was sold twice.
--
-- A cancellation (its number begins with C) is a refund; its quantities, and so its amount, are negative already.
--
-- The amount is goods, postage and carriage. Corrections by hand (M), discounts afterwards (D), samples (S), bad debt (B),
-- bank charges, Amazon's fees and commission (CRUK) are bookkeeping, no orders: they add nothing, and an invoice of nothing else
-- has the amount 0, which makes it no purchase. Counted, a slip of £4,161 that was put right the same day would lead
-- the at-risk list.
--
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
),

charged_lines as (
    select
        l."InvoiceNo",
        l."CustomerID",
        l."InvoiceDate",
        case
            when upper(l."StockCode") in ('M', 'D', 'S', 'B', 'BANK CHARGES', 'AMAZONFEE', 'CRUK') then 0
            else l."Quantity" * cast(l."UnitPrice" as numeric)
        end as amount
    from distinct_lines as l
)

select
    c."InvoiceNo" as payment_id,
    c."CustomerID" as customer_id,
    min(c."InvoiceDate") as paid_at,
    round(sum(c.amount), 2) as amount,
    case when left(c."InvoiceNo", 1) = 'C' then 'refunded' else 'paid' end as status
from charged_lines as c
group by c."InvoiceNo", c."CustomerID"
