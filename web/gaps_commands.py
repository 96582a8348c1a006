"""The commands `firstline gaps`: what nobody answered, what is done about it, and drafts on a branch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from web.terminal import Data, Json, fail, print_json, read_settings, warn

if TYPE_CHECKING:
    from bot.gaps import models
    from bot.gaps.dossier import Dossier
    from bot.gaps.keeper import GapKeeper
    from bot.gaps.models import What
    from bot.people import Caller
    from bot.service import HelpDesk
    from web.settings import Settings

gaps = typer.Typer(help="Gaps: what people asked and no article answered.", rich_markup_mode=None)

Gap = Annotated[str, typer.Argument(metavar="ID", help="The gap's id, as the list shows it.")]
By = Annotated[str, typer.Option("--by", help="Who decides so, for the history.")]
_BY = "command line"


@contextmanager
def _opened(data: Path | None) -> Iterator[tuple[Settings, HelpDesk, GapKeeper]]:
    from web.desk import open_desk, open_gaps

    settings = read_settings(data=data)
    desk, engine = open_desk(settings)
    keeper = open_gaps(settings, desk, engine)
    try:
        yield settings, desk, keeper
    finally:
        engine.dispose()


@gaps.callback(invoke_without_command=True)
def listed(
    context: typer.Context,
    data: Data = None,
    kind: Annotated[Literal["unanswered", "rejected", "ticket"] | None, typer.Option(help="Only these.")] = None,
    lang: Annotated[str, typer.Option(help="Only questions in this language.")] = "",
    state: Annotated[Literal["open", "closed", "wont_do", "all"], typer.Option(help="Only these.")] = "open",
    since: Annotated[datetime | None, typer.Option(help="Only questions since then (UTC).")] = None,
    words: Annotated[str, typer.Option(help="Only gaps with a question that has these words.")] = "",
    department: Annotated[str, typer.Option(help="Only questions whose ticket went to this department.")] = "",
    writer: Annotated[str, typer.Option(help="Only those this person writes; `nobody` for those nobody does.")] = "",
    sort: Annotated[
        Literal["saves", "asked", "new", "growth", "tickets"],
        typer.Option(help="What comes first: most tickets of the last 30 days, most questions and so on."),
    ] = "saves",
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    as_json: Json = False,
) -> None:
    """List the gaps. What was asked since the last time is gathered first."""
    if context.invoked_subcommand:
        return
    from datetime import UTC

    from bot.gaps.models import Filter
    from web.gaps_schemas import GapsOut
    from web.gaps_words import state_in_english, why_in_english

    moment = since.replace(tzinfo=UTC) if since and since.tzinfo is None else since
    with _opened(data) as (_, desk, keeper):
        if not keeper.refresh(None):
            warn("a server is gathering the newest questions; the list is as it left it")
        writes = {"": None, "nobody": ""}.get(writer, writer)
        wanted = Filter(
            None if state == "all" else state, kind, lang, words, moment, sort, limit, 0, department, writes
        )
        found = keeper.store.find(wanted, desk.now())
    if as_json:
        print_json(GapsOut.of(found).model_dump(mode="json"))
        return
    for gap in found.rows:
        typer.echo(
            f"{gap.id}  {gap.saves:>5,} tickets in 30 days  {' '.join(gap.langs):5} {gap.name or '(no subject)'}"
        )
        asked = f"asked {_times(gap.count)}, {gap.recent:,} in 30 days, {gap.before:,} before"
        typer.echo(f"{'':14}{state_in_english(gap)}; {asked}; {why_in_english(gap)}")
    if found.total > len(found.rows):
        typer.echo(f"{found.total - len(found.rows):,} more: --limit {found.total}", err=True)
    if not found.rows:
        typer.echo("No gap fits.", err=True)


@gaps.command("show")
def show(gap_id: Gap, data: Data = None, as_json: Json = False) -> None:
    """Show one gap: wordings, counts, the articles beside it, and what happened."""
    from bot.gaps.dossier import dossier
    from web.gaps_schemas import GapDetailOut

    with _opened(data) as (_, desk, keeper):
        audiences = _everything(desk).audiences
        found = dossier(keeper.store, desk.library.searcher, desk.policy, gap_id, audiences, desk.now())
    if as_json:
        print_json(GapDetailOut.of_dossier(found).model_dump(mode="json"))
        return
    for line in _told(found):
        typer.echo(line)


def _told(found: Dossier) -> Iterator[str]:
    from web.gaps_words import EVENTS, ROLES, often_in_english, state_in_english

    gap, standing = found.gap, found.gap.standing
    yield gap.name or "(no subject)"
    yield f"{state_in_english(gap)}{f': {standing.reason}' if standing.reason else ''}"
    if found.article:
        yield f"Article: {found.article.id}"
    yield f"Asked {_times(gap.count)}, {gap.recent:,} in the last 30 days, {gap.before:,} before"
    yield f"Tickets {gap.tickets:,}, {gap.saves:,} in the last 30 days"
    yield from (f"  {name}: {count:,}" for name, count in found.departments.items())
    yield "\nIn these words"
    yield from (f"  {wording.count:>4} × {' '.join(wording.text.split())}" for wording in gap.wordings)
    yield "\nThe nearest articles, and why they did not do"
    for near in found.articles:
        yield f"  {near.article.id}  {near.article.title}\n    {ROLES[near.role]} ({often_in_english(near)})"
    if not found.articles:
        yield "  No article is near"
    if found.alike:
        yield "\nGaps like this one"
        yield from (f"  {other.id}  {' '.join(other.langs):5} {other.name or '(no subject)'}" for other in found.alike)
    if found.history:
        yield "\nWhat happened"
    for event, _ in found.history:
        undone = " (undone)" if event.undone else ""
        reason = f": {event.reason}" if event.reason else ""
        yield f"  {event.at:%Y-%m-%d %H:%M} UTC  {event.who or 'by itself'}  {EVENTS[event.what]}{undone}{reason}"


@gaps.command("draft")
def draft(
    gap_id: Gap,
    data: Data = None,
    output: Annotated[Path | None, typer.Option(help="Write the draft to this file, and touch no repository.")] = None,
    branch: Annotated[str, typer.Option(help="Name the branch so.  [default: gap/ and the name of the draft]")] = "",
    take: Annotated[str, typer.Option(metavar="NAME", help="Note that this person writes the article.")] = "",
    as_json: Json = False,
) -> None:
    """Write a draft with the real wordings as its questions, on a new branch of the articles' repository.

    What you have checked out stays as it is. Where the articles lie in no repository the draft is printed.
    """
    from bot.gaps.branch import commit_on_branch
    from kb.errors import RepositoryError
    from kb.repository import Repository
    from web import gaps_api

    take = take and _named(take, "--take")
    with _opened(data) as (settings, desk, keeper):
        made = gaps_api.made_of(desk, keeper, gap_id, _everything(desk))
        writer = keeper.store.get(gap_id, desk.now()).standing.writer
    done = {"path": made.path, "title": made.title, "branch": "", "commit": "", "file": ""}
    if output:
        if output.exists():
            fail(f"{output} is there already. Name another file.")
        output.write_text(made.text, encoding="utf-8")
        done["file"] = str(output)
    else:
        try:
            repository = Repository.at(settings.articles)
        except RepositoryError as error:
            warn(f"{error} The draft follows; --output FILE writes it to a file.")
        else:
            name = branch or f"gap/{made.name.removesuffix('.md')}"
            done["branch"] = name
            done["commit"] = commit_on_branch(repository, name, made.path, made.text, f"Draft: {made.title}")
    if take:  # after the draft, so that nobody holds a gap for a draft that failed
        with _opened(data) as (_, desk, keeper):
            writer = keeper.store.hand(gap_id, take, take, desk.now()).standing.writer
    if as_json:
        print_json({**done, "writer": writer, "markdown": made.text})
    elif done["branch"]:
        typer.echo(f"{made.path} is on the branch {done['branch']}. Go on with: git switch {done['branch']}")
    elif output:
        typer.echo(f"Written to {output}. It belongs to {made.path} below the folder of articles.")
    else:
        typer.echo(made.text)
    if not as_json and not writer:
        warn(f"nobody writes this yet. So that nobody else begins: firstline gaps take {gap_id} --by NAME")
    elif not as_json and writer != take:
        warn(f"{writer} writes this.")


@gaps.command("take")
def take_gap(
    gap_id: Gap,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who writes the article.")],
    data: Data = None,
) -> None:
    """Say who writes the article, so that nobody else begins. Also takes it over from somebody else."""
    name = _named(by, "--by")
    _hand(gap_id, name, name, data)


@gaps.command("give-back")
def give_back(gap_id: Gap, by: By = _BY, data: Data = None) -> None:
    """Say that nobody writes the article any more."""
    _hand(gap_id, "", by, data)


@gaps.command("close")
def close(
    gap_id: Gap,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    article: Annotated[str, typer.Option(metavar="ID", help="The article that answers it.")] = "",
    by: By = _BY,
    data: Data = None,
) -> None:
    """Close a gap. It opens again by itself where its questions go on failing."""
    _decide("close", gap_id, reason, by, data, article)


@gaps.command("wont-do")
def wont_do(
    gap_id: Gap,
    reason: Annotated[str, typer.Option(help="Why no article will be written.")],
    by: By = _BY,
    data: Data = None,
) -> None:
    """Say that no article will be written, and why."""
    _decide("wont_do", gap_id, reason, by, data)


@gaps.command("reopen")
def reopen(gap_id: Gap, by: By = _BY, data: Data = None) -> None:
    """Open a gap again."""
    _decide("reopen", gap_id, "", by, data)


@gaps.command("undo")
def undo(gap_id: Gap, by: By = _BY, data: Data = None) -> None:
    """Take back the last decision on a gap."""
    with _opened(data) as (_, desk, keeper):
        gap = keeper.store.undo(gap_id, by, desk.now())
    _say(gap)


def _everything(desk: HelpDesk) -> Caller:
    """Who runs commands on the server may read all articles: they lie there."""
    from bot.people import Caller

    entries = desk.library.searcher.snapshot.entries
    return Caller(name=_BY, audiences=frozenset(entry.article.audience for entry in entries))


def _named(given: str, option: str) -> str:
    """A name without spaces around it; one of nothing else would give the gap back."""
    name = " ".join(given.split())
    if not name:
        fail(f"{option} is empty. Give the name of whoever writes the article.")
    return name


def _decide(what: What, gap_id: str, reason: str, by: str, data: Path | None, article: str = "") -> None:
    from bot.gaps.store import decided

    with _opened(data) as (_, desk, keeper):
        gap = keeper.store.change(gap_id, what, decided(what, reason, by, desk.now(), article))
    _say(gap)


def _hand(gap_id: str, writer: str, by: str, data: Path | None) -> None:
    with _opened(data) as (_, desk, keeper):
        gap = keeper.store.hand(gap_id, writer, by, desk.now())
    _say(gap)


def _say(gap: models.Gap) -> None:
    from web.gaps_words import state_in_english

    typer.echo(f"{gap.id}: {state_in_english(gap)}")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
