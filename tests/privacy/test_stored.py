from __future__ import annotations

from bot.stored import browser, files, tables
from bot.tables import metadata
from web.settings import Settings


def test_every_column_of_every_table_is_documented_and_nothing_else_is() -> None:
    documented = {name: [field.name for field in table.fields] for name, table in tables().items()}
    assert {name: sorted(columns) for name, columns in documented.items()} == {
        name: sorted(column.name for column in table.columns) for name, table in metadata.tables.items()
    }


def test_what_is_said_of_retention_names_settings_that_exist() -> None:
    said = " ".join([*(table.kept for table in tables().values()), *(place.kept for place in [*files(), *browser()])])
    named = {word.strip(",;.") for word in said.split() if word.startswith("keep_")}
    assert named == {name for name in Settings.model_fields if name.startswith("keep_")}


def test_a_column_that_is_masked_says_so_in_the_table_too() -> None:
    """Two places that say it cannot drift apart."""
    said = {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.columns
        if column.comment and "masked" in column.comment
    }
    documented = {
        (table.name, field.name) for table in tables().values() for field in table.fields if field.personal == "masked"
    }
    # Folded copies of a masked column, and what an other desk answered.
    assert documented - said == {("learned", "wording"), ("gap_questions", "search"), ("outbox", "error")}
    assert said - documented == set()
