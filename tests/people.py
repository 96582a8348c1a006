"""People for tests, signed in or with tokens; hashing takes no time here."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from argon2 import PasswordHasher

from bot.accounts import Accounts, By, PersonDraft
from bot.database import open_engine, sqlite_url
from bot.passwords import Passwords
from bot.people import ROLES, Person, Role
from tests import built
from web.desk import open_accounts

CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
PASSWORD = "correct horse battery staple"


def accounts_over(engine: sa.Engine) -> Accounts:
    return open_accounts(engine, CHEAP)


def somebody(accounts: Accounts, *roles: Role, groups: tuple[str, ...] = (), email: str = "", name: str = "") -> Person:
    """A person with these roles, without a password; the same one however often it is asked for."""
    called = email or f"{'-'.join((*roles, *groups)) or 'nobody'}@example.com"
    known = accounts.store.by_email(called)
    draft = PersonDraft(called, name or called.partition("@")[0].capitalize(), frozenset(roles), frozenset(groups))
    return known or accounts.add(draft, By("tests"))


def with_password(accounts: Accounts, person: Person, password: str = PASSWORD) -> Person:
    accounts.store.set_password(person.id, accounts.passwords.hash(password))
    return person


def token(accounts: Accounts, *roles: Role, secret: str) -> str:
    """Has `secret` be the API token of somebody with these roles, who may use it for all their rights."""
    owner = somebody(accounts, *roles)
    told = replace(accounts, new_secret=lambda: secret.removeprefix("fl_"))
    return told.make_token(owner.id, "tests", owner.rights, 365, By("tests"))[0]


def people_in(database: Path, tokens: dict[str, Role]) -> None:
    """Writes somebody of each role (`agent@example.com`, with PASSWORD) and some tokens for a server started later."""
    built.database(database)
    engine = open_engine(sqlite_url(database))
    accounts = accounts_over(engine)
    for role in ROLES:
        with_password(accounts, somebody(accounts, role))
    for secret, role in tokens.items():
        token(accounts, role, secret=secret)
    engine.dispose()


def database_with(path: Path, tokens: Mapping[str, Role]) -> None:
    """Writes a SQLite file with the tables, and with tokens of somebody of these roles; the first one is copied."""
    shutil.copyfile(_with_tokens(tuple(tokens.items())), path)


@cache
def _with_tokens(tokens: tuple[tuple[str, Role], ...]) -> Path:
    path = built.kept() / f"tokens-{'-'.join(secret for secret, _ in tokens)}.db"
    built.database(path)
    engine = open_engine(sqlite_url(path))
    for secret, role in tokens:
        token(accounts_over(engine), role, secret=secret)
    engine.dispose()
    return path
