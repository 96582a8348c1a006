"""The commands `firstline people` and `firstline token`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from web.terminal import Data, Json, fail, print_json, read_settings

if TYPE_CHECKING:
    from bot.accounts import Accounts, By
    from bot.people import ApiToken, Person, Role
    from web.settings import Settings

people = typer.Typer(help="Say who may sign in and what they may do.", no_args_is_help=True, rich_markup_mode=None)
token = typer.Typer(help="Make and revoke tokens for programs.", no_args_is_help=True, rich_markup_mode=None)

RoleName = Literal["reader", "agent", "author", "admin"]
Email = Annotated[str, typer.Argument(help="The person's e-mail address.")]
Roles = Annotated[
    list[str] | None, typer.Option("--role", help="reader, agent, author or admin; several times, if needed.")
]
Groups = Annotated[list[str] | None, typer.Option("--group", help="An audience of articles; several times, if needed.")]
Name = Annotated[str, typer.Option(help="The person's name.")]

_EVERYBODY = 1_000_000
_COMMAND_LINE = "command line"


@contextmanager
def _accounts(data: Path | None) -> Iterator[tuple[Accounts, Settings, By]]:
    from bot.accounts import By
    from bot.database import migrate, open_engine
    from web.desk import open_accounts

    settings = read_settings(data=data)
    settings.data.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.database)
    migrate(engine)
    try:
        yield open_accounts(engine), settings, By(_COMMAND_LINE)
    finally:
        engine.dispose()


@people.command("add")
def add(
    email: Email,
    name: Name,
    role: Roles = None,
    group: Groups = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Add a person, and print the link with which they set a password. It works once, for seven days."""
    from bot.accounts import PersonDraft

    with _accounts(data) as (accounts, settings, by):
        draft = PersonDraft(email, name, _roles(role or ["reader"]), frozenset(group or ()))
        person = accounts.add(draft, by)
        secret, _ = accounts.invite(person.id, by)
        _told(person, f"{settings.base_url}/welcome/{secret}", as_json)


@people.command("list")
def list_people(
    text: Annotated[str, typer.Option(help="Only with this in name or address.")] = "",
    role: Annotated[RoleName | None, typer.Option(help="Only with this role.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List who may sign in."""
    with _accounts(data) as (accounts, _, _by):
        found = accounts.store.find(text=text, role=role, limit=_EVERYBODY)
    if as_json:
        print_json({"total": found.total, "people": [_row(person) for person in found.rows]})
        return
    for person in found.rows:
        state = "" if person.active else "  (deactivated)"
        typer.echo(f"{person.email}  {person.name}  {', '.join(_row(person)['roles'])}{state}")
    if not found.rows:
        typer.echo("Nobody fits.", err=True)


@people.command("set")
def change(
    email: Email,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    role: Roles = None,
    group: Groups = None,
    no_groups: Annotated[bool, typer.Option("--no-groups", help="Take all groups away.")] = False,
    link: Annotated[bool, typer.Option("--link", help="Print a link that sets a new password.")] = False,
    activate: Annotated[bool, typer.Option("--activate", help="Let a deactivated person in again.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Change a person: the roles and groups that are given take the place of those before."""
    from bot.accounts import PersonDraft

    with _accounts(data) as (accounts, settings, by):
        person = accounts.named(email)
        if activate:
            person = accounts.set_active(person.id, True, by)
        draft = PersonDraft(person.email, person.name, person.roles, person.groups, person.lang)
        draft = replace(draft, name=person.name if name is None else name)
        draft = replace(draft, roles=_roles(role) if role else draft.roles)
        draft = replace(draft, groups=frozenset() if no_groups else frozenset(group) if group else draft.groups)
        person = accounts.change(person.id, draft, by)
        secret = accounts.invite(person.id, by)[0] if link else ""
        _told(person, f"{settings.base_url}/welcome/{secret}" if secret else "", as_json)


@people.command("deactivate")
def deactivate(email: Email, data: Data = None, as_json: Json = False) -> None:
    """Let a person in no more: sessions, links and tokens stop working at once."""
    with _accounts(data) as (accounts, _, by):
        _told(accounts.set_active(accounts.named(email).id, False, by), "", as_json)


def _roles(names: list[str]) -> frozenset[Role]:
    from bot.people import ROLES

    if unknown := sorted(set(names) - set(ROLES)):
        fail(f"--role {unknown[0]}: there is no such role. Use {', '.join(ROLES)}.")
    return frozenset(role for role in ROLES if role in names)


def _told(person: Person, link: str, as_json: bool) -> None:
    if as_json:
        print_json({**_row(person), **({"link": link} if link else {})})
        return
    state = "" if person.active else " (deactivated)"
    typer.echo(f"{person.email}: {', '.join(_row(person)['roles']) or 'no role'}{state}")
    if link:
        typer.echo(f"Give them this link; it works once:\n{link}")


def _row(person: Person) -> dict[str, Any]:
    from bot.people import ROLES

    return {
        "id": person.id,
        "email": person.email,
        "name": person.name,
        "roles": [role for role in ROLES if role in person.roles],
        "groups": sorted(person.groups),
        "active": person.active,
        "last_sign_in": person.last_sign_in and person.last_sign_in.isoformat(),
    }


@token.command("create")
def create(
    email: Annotated[str, typer.Argument(help="The address of the person it belongs to.")],
    name: Annotated[str, typer.Option(help="What it is for.")],
    scope: Annotated[
        list[str],
        typer.Option(help="What it may be used for: articles, tickets, authoring, admin; several times, if needed."),
    ],
    days: Annotated[int, typer.Option(help="How long it works: 30, 90 or 365.")] = 90,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a token for a program and print it, this once."""
    from bot.accounts import TOKEN_DAYS
    from bot.people import RIGHTS

    rights = [right for right in RIGHTS if right in scope]
    if unknown := sorted(set(scope) - set(RIGHTS)):
        fail(f"--scope {unknown[0]}: there is no such right. Use {', '.join(RIGHTS)}.")
    if days not in TOKEN_DAYS:
        fail(f"--days {days}: use {', '.join(map(str, TOKEN_DAYS[:-1]))} or {TOKEN_DAYS[-1]}.")
    with _accounts(data) as (accounts, _, by):
        owner = accounts.named(email)
        if beyond := [right for right in rights if right not in owner.rights]:
            fail(f"--scope {beyond[0]}: {email} has no role that may do this. Leave it out, or change their roles.")
        secret, made = accounts.make_token(owner.id, name, rights, days, by)
        if as_json:
            print_json({"token": secret, **_token_row(made, email)})
            return
    typer.echo(secret)
    typer.echo(f"It is not shown again. It works until {made.expires:%Y-%m-%d}.", err=True)


@token.command("list")
def list_tokens(data: Data = None, as_json: Json = False) -> None:
    """List tokens, the newest first, without what is secret of them."""
    with _accounts(data) as (accounts, _, _by):
        owners = {person.id: person.email for person in accounts.store.find(limit=_EVERYBODY).rows}
        now, rows = accounts.now(), accounts.store.tokens()
    if as_json:
        print_json({"tokens": [_token_row(row, owners[row.owner_id]) for row in rows]})
        return
    for row in rows:
        state = "works" if row.works(now) else "revoked" if row.revoked else "expired"
        typer.echo(f"{row.id}  {row.hint}…  {state:7}  {row.expires:%Y-%m-%d}  {owners[row.owner_id]}  {row.name}")
    if not rows:
        typer.echo("There are no tokens.", err=True)


@token.command("revoke")
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `firstline token list` shows it.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Have a token work no more, from now on."""
    with _accounts(data) as (accounts, _, by):
        if token_id not in {row.id for row in accounts.store.tokens()}:
            fail(f"There is no token with the id {token_id}. `firstline token list` shows them.")
        accounts.revoke_token(token_id, by)
    if as_json:
        print_json({"id": token_id, "revoked": True})


def _token_row(made: ApiToken, owner: str) -> dict[str, Any]:
    from bot.people import RIGHTS

    return {
        "id": made.id,
        "hint": made.hint,
        "name": made.name,
        "owner": owner,
        "scopes": [right for right in RIGHTS if right in made.scopes],
        "created": made.created.isoformat(),
        "expires": made.expires.isoformat(),
        "used": made.used and made.used.isoformat(),
        "revoked": made.revoked and made.revoked.isoformat(),
    }
