"""Which values customers who have left, and those who are here, have now."""

from __future__ import annotations

from tests.sql.staging_tables import AS_OF

CUSTOMERS = {"left_keys": [1, 2], "here_keys": [3, 4, 5, 6]}


def counts(staging, most_values=3, most_numbers=3, bins=2):
    """For each attribute and value (left, here), the halves together."""
    rows = staging.run(
        "training/attribute_values.sql", most_values=most_values, most_numbers=most_numbers, bins=bins, **CUSTOMERS
    )
    return {
        (row["name"], row["value_shown"]): (
            row["left_first"] + row["left_second"],
            row["here_first"] + row["here_second"],
        )
        for row in rows
    }


def test_each_value_is_counted_on_both_sides_and_in_its_half(staging):
    for key in range(1, 7):
        staging.customer(key, -100)
        staging.attribute(key, "country", "DE" if key < 4 else "FR")
    staging.attribute(2, "churned", 1.0)
    assert counts(staging) == {
        ("country", "DE"): (2, 1),
        ("country", "FR"): (0, 3),
        ("churned", "1"): (1, 0),
        (None, None): (2, 4),
    }
    (row,) = (
        row
        for row in staging.run("training/attribute_values.sql", most_values=3, most_numbers=3, bins=2, **CUSTOMERS)
        if row["value_shown"] == "FR"
    )
    assert (row["here_first"], row["here_second"]) == (2, 1)


def test_only_the_value_in_force_now_counts(staging):
    for key in range(1, 7):
        staging.customer(key, -100)
    staging.attribute(1, "status", "active", valid_to=-5)
    staging.attribute(1, "status", "former", valid_from=-5)
    staging.attribute(3, "status", "active", valid_to=-1)
    assert counts(staging) == {("status", "former"): (1, 0), (None, None): (2, 4)}


def test_a_customer_whom_the_source_no_longer_holds_is_not_asked(staging):
    for key in range(1, 7):
        staging.customer(key, -100, **({"valid_to": -3} if key == 1 else {}))
        if key > 1:
            staging.attribute(key, "country", "DE")
    assert counts(staging) == {("country", "DE"): (1, 4), (None, None): (1, 4)}


def test_of_text_with_many_values_the_usual_one_stands_alone(staging):
    for key in range(1, 7):
        staging.customer(key, -100)
        staging.attribute(key, "valid_until", "9999-12-31" if key > 3 else f"{AS_OF:%Y}-0{key}-01")
    assert counts(staging)[("valid_until", "9999-12-31")] == (0, 3)
    assert counts(staging)[("valid_until", "another value")] == (2, 1)
    assert counts(staging, most_values=4)[("valid_until", "2025-01-01")] == (1, 0)


def test_many_numbers_go_into_parts_and_equal_ones_into_one(staging):
    for key in range(1, 7):
        staging.customer(key, -100)
        staging.attribute(key, "employees", 7.0 if key > 4 else float(key))
    assert counts(staging) == {
        ("employees", "part 1"): (2, 1),
        ("employees", "part 2"): (0, 3),
        (None, None): (2, 4),
    }


def test_nobody_on_either_side_is_no_error(staging):
    rows = staging.run(
        "training/attribute_values.sql", most_values=3, most_numbers=3, bins=2, left_keys=[], here_keys=[]
    )
    assert [row["name"] for row in rows] == [None]
