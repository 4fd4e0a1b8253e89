-- customers: one row per customer number on any invoice.
--
-- There is no table of customers, so the first invoice stands for signing up. Eight customers have invoices to two
-- countries; the latest invoice decides. "CustomerID" is an integer and stays one here: ids become text in the warehouse.
--
-- Invoices without a customer number name nobody, so they can't make a customer; payments.sql keeps them.
-- There is no contactable column: the company has not said that anyone must be left alone.
select distinct on ("CustomerID")
    "CustomerID" as customer_id,
    min("InvoiceDate") over (partition by "CustomerID") as signed_up_at,
    "Country" as country
from invoice_lines
where "CustomerID" is not null
order by "CustomerID" asc, "InvoiceDate" desc, "InvoiceNo" desc
