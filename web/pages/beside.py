"""The panel beside a ticket: articles and solved tickets like it, and what an agent does with them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot import casework
from bot.alike import Alike
from bot.beside import Adviser, Beside, Case, Placed
from bot.errors import FlagInvalid, LearnedUnknown
from bot.flags import KINDS, FlagKind
from bot.learned import Learned
from bot.models import MAX_REASON, Ticket
from bot.people import Caller
from bot.service import HelpDesk
from bot.steps import plain_steps
from bot.work import Changes
from kb.links import article_path
from kb.models import Article
from web import auth, beside_api
from web.pages.catalogue import catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Form, Posted, tidy
from web.pages.templates import page
from web.pages.visit import Visit, base_address, visit
from web.script_words import beside_words
from web.tickets_api import casework_of
from web.words import N_, Words

router = APIRouter(route_class=PageRoute)

FLAG_NAMES: dict[FlagKind, str] = {
    "wrong": N_("It is wrong"),
    "outdated": N_("It is outdated"),
    "missing": N_("A step is missing"),
}
#: A request that wants the panel alone, for a script that puts it in the place of the one on the page.
_PART_HEADER = "x-firstline-part"
_MAX_LOOK = 300
Said = Literal["", "solved", "undone", "flagged", "empty", "invalid"]
_SAID: tuple[Said, ...] = ("solved", "undone", "flagged")


@dataclass(frozen=True, slots=True)
class Item:
    """An article of the panel with all that its buttons need. `address` opens it; `link` and `steps` are inserted.

    `url` is the absolute address in the link; it and `link` are empty for an internal article.
    """

    placed: Placed
    address: str
    url: str
    link: str
    steps: str

    @property
    def id(self) -> str:
        return self.placed.article.id


@dataclass(frozen=True, slots=True)
class Solved:
    """A solved ticket like this one. `address` is empty where it is not of this desk."""

    alike: Alike
    address: str
    articles: tuple[Article, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """What beside.html shows. Forms go to addresses below `address`, with `fields` in each.

    `look` is what an agent looks for by hand and `found` what that found. `said` is what was done last, `learned` what
    was learned by it, `problem` what is wrong with what was typed (`typed`), for the article `about`. `framed`: it
    is shown in the frame of another desk, one of `origins`, whose reply cannot be reached from here.
    """

    address: str
    back: str
    fields: tuple[tuple[str, str], ...]
    items: tuple[Item, ...]
    similar: tuple[Solved, ...]
    beside: Beside
    look: str
    found: tuple[Item, ...]
    words: dict[str, str]
    solved: bool = False
    draft: str = ""
    framed: bool = False
    origins: tuple[str, ...] = ()
    said: Said = ""
    learned: Learned | None = None
    learned_title: str = ""
    about: str = ""
    problem: str = ""
    typed: str = ""
    kinds: dict[FlagKind, str] = field(default_factory=lambda: FLAG_NAMES)

    @property
    def likely(self) -> Literal["answer", "maybe", "unlikely"]:
        names: dict[str, Literal["answer", "maybe", "unlikely"]] = {"answer": "answer", "suggest": "maybe"}
        return names.get(self.beside.decision, "unlikely")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the panel stands: the address its forms go below, the page around it, and what a form carries along."""

    address: str
    back: str
    fields: tuple[tuple[str, str], ...] = ()


def place_of(ticket: Ticket) -> Place:
    return Place(f"/agent/tickets/{ticket.id}", f"/inbox/{ticket.number}")


def panel_of(request: Request, who: Caller, ticket: Ticket) -> Panel:
    """The panel of a ticket of this desk, for its page: `{% include "beside.html" %}` with this as `panel`.

    `?look=` of the request is what the agent looks for by hand, `?said=` and `?learned=` what was done last.
    """
    desk, reader = _desk(request), visit(request, catalogue(request))
    made = panel(request, who, Case.of(ticket, who.audiences), place_of(ticket))
    query = request.query_params
    solved = desk.events.resolved_with(ticket.id) or desk.events.resolved_in_words(ticket.id)
    made = replace(made, draft=f"/agent/tickets/{ticket.id}/draft", solved=bool(solved))
    return told(desk, made, query.get("said", ""), query.get("learned", ""), reader.said)


def panel(request: Request, who: Caller, case: Case, place: Place, look: str | None = None) -> Panel:
    """The panel of a case; `look` is that of the request where it is not given."""
    adviser: Adviser = request.app.state.adviser
    reader, base = visit(request, catalogue(request)), base_address(request)
    look = tidy(request.query_params.get("look", "") if look is None else look).strip()[:_MAX_LOOK]
    found = adviser.beside(case)
    by_hand = adviser.find(case, look) if look else ()
    return Panel(
        address=place.address,
        back=place.back,
        fields=place.fields,
        items=tuple(_item(placed, reader, base) for placed in found.articles),
        similar=tuple(_solved(alike, found, who) for alike in found.alike),
        beside=found,
        look=look,
        found=tuple(_item(placed, reader, base) for placed in by_hand),
        words=beside_words(reader.said),
    )


def told(desk: HelpDesk, made: Panel, said: str, learned_id: str, words: Words) -> Panel:
    """The panel after something was done."""
    known: Said = next((one for one in _SAID if one == said), "")
    learned = None
    if learned_id and known == "solved":
        try:
            learned = desk.learning.get(learned_id)
        except LearnedUnknown:
            learned = None
    title = ""
    if learned:
        snapshot = desk.library.searcher.snapshot
        codes = (words.lang, *snapshot.languages)
        entries = (entry for entry in snapshot.entries if learned and entry.article.id == learned.article)
        ordered = sorted(entries, key=lambda entry: codes.index(entry.article.lang))
        title = ordered[0].article.title if ordered else learned.article
    return replace(made, said=known, learned=learned, learned_title=title)


def _item(placed: Placed, reader: Visit, base: str) -> Item:
    """An internal article has no link to insert: who may read it here is no requester."""
    address = reader.to_article(placed.passage.path, placed.article.lang)
    steps = plain_steps(placed.passage.html, base)
    if placed.link is None:
        return Item(placed, address, "", "", steps)
    url = f"{base}{article_path(placed.link.key)}"
    link = f"{placed.link.title}: {url}"
    return Item(placed, address, url, link, f"{steps}\n\n{link}")


def _solved(alike: Alike, found: Beside, who: Caller) -> Solved:
    here = alike.ticket.number is not None and who.may("tickets")
    titles = tuple(found.titles[article] for article in alike.articles if article in found.titles)
    return Solved(alike, f"/inbox/{alike.ticket.number}" if here else "", titles)


# --- what is done in the panel of a ticket of this desk ------------------------------------------------------------


@router.get("/agent/tickets/{ticket_id}")
def beside(request: Request, ticket_id: str) -> Response:
    """The panel alone, for a script; anybody else is led to the ticket."""
    who, ticket = _enter(request, ticket_id)
    if wants_part(request):
        return page(request, "beside.html", {"panel": panel_of(request, who, ticket)}, private=True)
    query = request.url.query
    return RedirectResponse(f"/inbox/{ticket.number}{'?' + query if query else ''}#fl-panel", 303)


@router.post("/agent/tickets/{ticket_id}/solved")
def solved(request: Request, ticket_id: str, form: Posted) -> Response:
    """Keeps how the ticket was solved: with an article, in the agent's words, or both."""
    who, ticket = _enter(request, ticket_id)
    article, text = form.text("article_id"), form.text("text").strip()
    if problem := _wrong_resolution(request, who, article, text):
        return _again(request, who, ticket, Done("empty", problem=problem, typed=text))
    learned = _desk(request).resolve(ticket.id, article, text, casework.who(who))
    return _go_on(request, who, ticket, Done("solved", learned=learned))


@router.post("/agent/tickets/{ticket_id}/undo")
def undo(request: Request, ticket_id: str, _form: Posted) -> Response:
    """Takes back how the ticket was solved, and what was learned by it."""
    who, ticket = _enter(request, ticket_id)
    _desk(request).unresolve(ticket.id)
    _open_again(request, who, ticket.id)
    return _go_on(request, who, ticket, Done("undone"))


def _open_again(request: Request, who: Caller, ticket_id: str) -> None:
    """As it was before it was solved, where nothing happened since; else as one that waits for an answer."""
    cases = casework_of(request)
    last = cases.read_by_id(ticket_id).undoable
    if last and (last.what, last.new) == ("state", "solved"):
        cases.undo(ticket_id, who)
    elif _desk(request).ticket(ticket_id).state == "solved":
        cases.change(ticket_id, Changes(state="received"), who)


@router.post("/agent/tickets/{ticket_id}/flag")
def flag(request: Request, ticket_id: str, form: Posted) -> Response:
    who, ticket = _enter(request, ticket_id)
    done = flagged(request, who, form, ticket.id)
    return (_again if done.problem else _go_on)(request, who, ticket, done)


@dataclass(frozen=True, slots=True)
class Done:
    """What a form did, or what is wrong with it."""

    said: Said
    learned: Learned | None = None
    about: str = ""
    problem: str = ""
    typed: str = ""

    def on(self, desk: HelpDesk, made: Panel, words: Words) -> Panel:
        """The panel that says so."""
        made = told(desk, made, self.said, self.learned.id if self.learned else "", words)
        return replace(made, said=self.said, about=self.about, problem=self.problem, typed=self.typed)


def flagged(request: Request, who: Caller, form: Form, ticket_id: str = "") -> Done:
    """Keeps a flag that was posted. Raises an HTTPException 404 where the agent may read no such article."""
    article, comment = form.text("article_id"), form.text("comment")
    said = visit(request, catalogue(request)).said
    kind = next((known for known in KINDS if known == form.text("kind")), None)
    if kind is None:
        told = said.gettext("Choose what is wrong with the article.")
        return Done("invalid", about=article, problem=told, typed=comment)
    try:
        kept = beside_api.flag_article(request, who, article, form.text("article_lang"), kind, comment, ticket_id)
    except FlagInvalid as error:
        told = said.say(error.message) if error.message else str(error)
        return Done("invalid", about=article, problem=told, typed=comment)
    if kept is None:
        raise HTTPException(404)
    return Done("flagged")


def _wrong_resolution(request: Request, who: Caller, article: str, text: str) -> str:
    """What is wrong with how a ticket is said to be solved, "" for nothing."""
    said = visit(request, catalogue(request)).said
    if article and beside_api.readable(_desk(request).library.searcher, article, "", who) is None:
        raise HTTPException(404)
    if not article and not text:
        return said.gettext("Say in a few words how it was solved, or choose the article that did.")
    if len(text) > MAX_REASON:
        return said.gettext(
            "Shorten it to %(limit)s characters or fewer; it has %(count)s.",
            limit=said.number(MAX_REASON),
            count=said.number(len(text)),
        )
    return ""


def wants_part(request: Request) -> bool:
    return request.headers.get(_PART_HEADER) == "panel"


def _go_on(request: Request, who: Caller, ticket: Ticket, done: Done) -> Response:
    """Back to the ticket; a script gets the panel anew."""
    if wants_part(request):
        return _part(request, who, _desk(request).ticket(ticket.id), done, 200)
    given = {"said": done.said, **({"learned": done.learned.id} if done.learned else {})}
    return RedirectResponse(f"/inbox/{ticket.number}?{urlencode(given)}#fl-panel", 303)


def _again(request: Request, who: Caller, ticket: Ticket, done: Done) -> Response:
    """The panel with what was typed and what is wrong with it."""
    if wants_part(request):
        return _part(request, who, ticket, done, 422)
    said = visit(request, catalogue(request)).said
    made = done.on(_desk(request), panel_of(request, who, ticket), said)
    return page(request, "beside_page.html", {"panel": made, "ticket": ticket}, status=422, private=True)


def _part(request: Request, who: Caller, ticket: Ticket, done: Done, status: int) -> HTMLResponse:
    said = visit(request, catalogue(request)).said
    made = done.on(_desk(request), panel_of(request, who, ticket), said)
    return page(request, "beside.html", {"panel": made}, status=status, private=True)


def _enter(request: Request, ticket_id: str) -> tuple[Caller, Ticket]:
    who = auth.enter(request, "tickets")
    return who, _desk(request).ticket(ticket_id)


def _desk(request: Request) -> HelpDesk:
    desk: HelpDesk = request.app.state.desk
    return desk
