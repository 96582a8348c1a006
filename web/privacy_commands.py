"""The commands `firstline export`, `firstline erase` and `firstline retention`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from web.terminal import Data, Json, fail, print_json, read_settings, warn

if TYPE_CHECKING:
    import sqlalchemy as sa

    from web.settings import Settings

Contact = Annotated[str, typer.Option(help="The person's e-mail address.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")]


@contextmanager
def _database(data: Path | None, *, changes: bool) -> Iterator[tuple[sa.Engine, Settings]]:
    """A database that is up to date; what `changes` nothing does not bring it there either."""
    from bot.database import migrate, open_engine, up_to_date
    from bot.patience import unlimited

    settings = read_settings(data=data)
    if not settings.database_url and not settings.data.is_dir():
        fail(f"{settings.data} does not exist. Name the data folder of the server: --data DIR")
    engine = open_engine(settings.database)
    file = Path(engine.url.database or "")
    try:
        if changes:
            migrate(engine)
        elif engine.dialect.name == "sqlite" and not file.is_file():  # to look would make one
            fail(f"{file} does not exist. Name the data folder of the server: --data DIR")
        elif not up_to_date(engine):
            fail(
                "The database is of another version, and this command changes nothing. Start firstline serve once, "
                "which brings it up to date (docs/upgrading.md)."
            )
        with unlimited():  # whoever typed the command waits for as long as it takes
            yield engine, settings
    finally:
        engine.dispose()


def export(
    contact: Contact,
    to: Annotated[Path, typer.Option(help="A new folder for person.json and the files they sent.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write all that is stored about a person into a folder."""
    from bot.disclosure import Disclosure

    _check_contact(contact)
    if to.exists():
        fail(f"{to} exists. Name a folder that does not, so that no two people's data lie in one.")
    with _database(data, changes=False) as (engine, _):
        disclosure = Disclosure(engine)
        found = disclosure.of(contact)
        if not found:
            warn("Nothing is stored about this address.")
        else:
            to.mkdir(mode=0o700, parents=True)
            for name, content in disclosure.files(contact):
                (to / "files").mkdir(mode=0o700, exist_ok=True)
                (to / "files" / name).write_bytes(content)
            text = json.dumps({"contact": contact, **found}, ensure_ascii=False, indent=2)
            (to / "person.json").write_text(text + "\n", encoding="utf-8")
    counts = {name: len(rows) for name, rows in found.items()}
    if as_json:
        print_json({"folder": str(to) if found else None, "rows": counts})
    elif found:
        typer.echo(f"{_told(counts)}\nWritten to {to}")


def erase(
    contact: Contact,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    compact_it: Annotated[
        bool,
        typer.Option(
            "--compact/--no-compact",
            help="Write the database anew, so that no byte is left in its file. Nobody else can write meanwhile.",
        ),
    ] = True,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Remove all that is stored about a person. What reports counted is counted again without it."""
    from datetime import UTC, datetime

    from bot.aside import Aside
    from bot.erasure import Eraser, compact

    _check_contact(contact)
    with _database(data, changes=not dry_run) as (engine, settings):
        spool = settings.data / "spool"
        aside = Aside(spool)
        if not dry_run and any(file.stat().st_size for file in spool.glob("*.jsonl") if not aside.holds(file)):
            fail(
                f"{spool} holds what the database has not taken yet, and that may be of this person. Start "
                "the server, wait until the folder is empty, and erase then."
            )
        eraser = Eraser(engine)
        trail, counts = eraser.trail(contact)
        elsewhere = eraser.elsewhere(trail)
        if counts and not dry_run:
            if not yes:
                typer.confirm(f"{_told(counts)}\nErase all of it for good?", abort=True, err=True)
            aside.forget(trail.question_ids, trail.sessions)
            counts = eraser.erase(contact, datetime.now(UTC), "command line")
        # Also where nothing is left: whoever erased before may have been stopped before this.
        clean = dry_run or not compact_it or compact(engine)
    if as_json:
        print_json({"erased": not dry_run and bool(counts), "rows": counts, "elsewhere": elsewhere, "compacted": clean})
    elif not counts:
        warn("Nothing is stored about this address.")
    else:
        typer.echo(f"{'Would erase' if dry_run else 'Erased'}:\n{_told(counts)}")
        for address in elsewhere:
            typer.echo(f"Handed on, and to be erased there: {address}")
    if not clean:
        warn("Somebody was reading, so the bytes may still lie in the log of SQLite. Run the command again.")


def retention(dry_run: DryRun = False, data: Data = None, as_json: Json = False) -> None:
    """Remove what is older than the settings keep_… say. The server does so by itself, every hour."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from bot.reports.days import Days
    from bot.reports.rollup import Rollup
    from bot.retention import Retention

    with _database(data, changes=not dry_run) as (engine, settings):
        days = Days(ZoneInfo(settings.time_zone))
        keeper = Retention(engine, settings.keep, days, lambda: datetime.now(UTC))
        if dry_run:
            counts = {name: number for name, number in keeper.due().items() if number}
        else:
            Rollup(engine, days).refresh(float("inf"))  # what is removed is counted first
            counts, _ = keeper.sweep()
    if as_json:
        print_json({"removed": not dry_run, "rows": counts})
    else:
        typer.echo(f"{'Would remove' if dry_run else 'Removed'}:\n{_told(counts)}" if counts else "Nothing is too old.")


def _check_contact(contact: str) -> None:
    if "@" not in contact.strip().strip("@"):
        fail(f"--contact {contact}: write the whole e-mail address, such as anna@example.com.")


def _told(counts: dict[str, int]) -> str:
    return "\n".join(f"  {number:>6}  {name.replace('_', ' ')}" for name, number in counts.items())
