"""What every stored field is for, and what it says about people: bot/tables/fields.toml, read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

Personal = Literal["no", "link", "masked", "words", "name", "secret"]
PERSONAL: tuple[Personal, ...] = get_args(Personal)


@dataclass(frozen=True, slots=True)
class Stored:
    """A field. `personal` is what it says about a person, as the head of the file explains."""

    name: str
    personal: Personal
    purpose: str


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table. `kept` is how long a row stays: a setting (`keep_…`), or words; `seen` says who sees it."""

    name: str
    what: str
    kept: str
    seen: str
    fields: tuple[Stored, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """What is kept outside of the database: a file, a cookie."""

    field: Stored
    kept: str


@cache
def tables() -> dict[str, StoredTable]:
    """All tables by name, with all of their fields."""
    return {
        name: StoredTable(
            name, said["what"], said["kept"], said["seen"], tuple(_field(*row) for row in said["columns"].items())
        )
        for name, said in _read().items()
        if isinstance(said, dict)
    }


def files() -> list[Place]:
    return _places("files")


def browser() -> list[Place]:
    return _places("browser")


def _places(kind: str) -> list[Place]:
    return [Place(_field(row["where"], row["what"]), row["kept"]) for row in _read()[kind]]


def _field(name: str, said: str) -> Stored:
    personal, _, purpose = said.partition(": ")
    if personal not in PERSONAL or not purpose:
        raise ValueError(f"{name}: {said!r} has to begin with one of {', '.join(PERSONAL)} and a colon")
    return Stored(name, personal, purpose)


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "tables" / "fields.toml").read_text(encoding="utf-8"))
