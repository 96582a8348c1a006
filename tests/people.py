"""People for tests, signed in or with tokens; hashing takes no time here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa
from argon2 import PasswordHasher

from bot.accounts import Accounts, By, PersonDraft
from bot.database import migrate, open_engine, sqlite_url
from bot.passwords import Passwords
from bot.people import ROLES, Person, Role
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
    engine = open_engine(sqlite_url(database))
    migrate(engine)
    accounts = accounts_over(engine)
    for role in ROLES:
        with_password(accounts, somebody(accounts, role))
    for secret, role in tokens.items():
        token(accounts, role, secret=secret)
    engine.dispose()
