-- The file's eight columns, under its own names and types. No key: the file has none.
drop table if exists invoice_lines;

create table invoice_lines (
    "InvoiceNo" text not null,
    "StockCode" text not null,
    "Description" text,
    "Quantity" integer not null,
    "InvoiceDate" timestamp without time zone not null,
    "UnitPrice" double precision not null,
    "CustomerID" integer,
    "Country" text not null
);

comment on table invoice_lines is 'UCI Online Retail, every line as it is in the file.';
