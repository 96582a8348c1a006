"""The tools: search, fetch, ask, open_ticket. Needs the package `mcp`."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Any, Literal

from fastapi import Request
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from bot.errors import BotError, StoreUnavailable, TicketInvalid
from bot.models import MAX_BODY, MAX_QUESTION, MAX_SUBJECT, Question, Suggestion, TicketDraft
from bot.people import Caller
from bot.service import HelpDesk
from kb import languages
from kb.links import article_path
from kb.models import ArticleKey, Section
from kb.snapshot import Snapshot
from kb.stored import Entry
from web import auth, limits
from web.pages.visit import base_address
from web.words import SOURCE, words

_log = logging.getLogger(__name__)

#: What a model is told before it uses any tool.
INSTRUCTIONS = (
    "A company's help centre. Use `ask` for a person's question: it says honestly when no article answers it. "
    "Use `search` and `fetch` to read articles. Cite the article's url. Open a ticket only when the person asks for it "
    "and gave an e-mail address."
)
Lang = Annotated[str, Field(max_length=16, description="The person's language, such as en, pl or de; may be empty.")]
_MOST = 50


class Found(BaseModel):
    id: str = Field(description="Give it to `fetch`.")
    title: str
    url: str


class SearchResult(BaseModel):
    results: list[Found]


class FetchResult(BaseModel):
    id: str
    title: str
    text: str
    url: str
    metadata: dict[str, str]


class AnswerGiven(BaseModel):
    id: str
    title: str
    text: str = Field(description="The article's own words.")
    url: str


class AskResult(BaseModel):
    decision: Literal["answer", "suggest", "unanswered"]
    confidence: float = Field(description="Calibrated probability, 0 to 1, that the first article is right.")
    message: str = Field(description="What to tell the person, in a sentence.")
    answer: AnswerGiven | None
    suggestions: list[Found]
    question_id: str = Field(description="Give it to `open_ticket`, where a ticket follows.")


class TicketResult(BaseModel):
    number: int = Field(description="What people call the ticket.")
    url: str = Field(description="Where the person follows the ticket. Who has it can read the ticket.")


_MESSAGES = {
    "answer": "This article answers the question.",
    "suggest": "No article is sure to answer this; these may help.",
    "unanswered": "I don't know this one yet. The question goes to the people who write the articles.",
}


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools over one help desk; `request_of` gives the request that a call came with, and with it who asks."""

    request_of: Callable[[Context[Any, Any]], Request]

    def search(
        self,
        query: Annotated[str, Field(min_length=1, max_length=MAX_QUESTION, description="A question or a few words.")],
        ctx: Context[Any, Any],
        lang: Lang = "",
        limit: Annotated[int, Field(ge=1, le=_MOST)] = 10,
    ) -> SearchResult:
        """Find help articles by meaning and by words, the best first. Nothing about the search is kept."""
        with self._call(ctx, "questions") as (request, desk, caller):
            question = Question(query, lang=_language(lang), audiences=caller.audiences)
            found = desk.search(question, limit)
            return SearchResult(results=[_found(request, desk, caller, each) for each in found])

    def fetch(
        self,
        id: Annotated[  # noqa: A002 - the name that clients know
            str, Field(max_length=500, description="From `search`: reset-password, or pl/reset-password.")
        ],
        ctx: Context[Any, Any],
    ) -> FetchResult:
        """Read a whole help article."""
        with self._call(ctx, "questions") as (request, desk, caller):
            snapshot = desk.library.searcher.snapshot
            entry = _entry(snapshot, caller, id)
            if entry is None:
                raise ToolError(f"There is no article {id!r}. Take an id from `search`.")
            article = entry.article
            known = {"lang": article.lang, "topic": article.topic, "changed": article.changed}
            return FetchResult(
                id=id,
                title=article.title,
                text="\n\n".join(map(_text, entry.sections)).strip(),
                url=_address(request, article_path(article.key)),
                metadata={name: value for name, value in known.items() if value},
            )

    def ask(
        self,
        question: Annotated[str, Field(min_length=1, max_length=MAX_QUESTION, description="In the person's words.")],
        ctx: Context[Any, Any],
        lang: Lang = "",
    ) -> AskResult:
        """Ask the help desk a question: an answer from an article, articles that may help, or an honest no.

        The question is kept with personal data masked, so that authors see what no article answers.
        """
        with self._call(ctx, "questions") as (request, desk, caller):
            reply = desk.ask(Question(question, lang=_language(lang), channel="api", audiences=caller.audiences))
            answer = None
            if given := reply.answer:
                name = _id(desk.library.searcher.snapshot, caller, given.key)
                answer = AnswerGiven(id=name, title=given.title, text=given.text, url=_address(request, given.path))
            return AskResult(
                decision=reply.decision,
                confidence=reply.confidence,
                message=_MESSAGES[reply.decision],
                answer=answer,
                suggestions=[_found(request, desk, caller, each) for each in reply.suggestions],
                question_id=reply.id,
            )

    def open_ticket(
        self,
        subject: Annotated[str, Field(max_length=MAX_SUBJECT, description="A few words about what is needed.")],
        body: Annotated[str, Field(max_length=MAX_BODY, description="What happened, in the person's words.")],
        email: Annotated[str, Field(max_length=254, description="Where the desk answers. Never make one up.")],
        ctx: Context[Any, Any],
        idempotency_key: Annotated[
            str, Field(max_length=255, description="Sent again with the same key, it is the same ticket.")
        ] = "",
        question_id: Annotated[str, Field(max_length=64, description="From `ask`, where it did not help.")] = "",
    ) -> TicketResult:
        """Send a ticket to the people of the help desk. Its url shows what became of it.

        Without a key the same words of the same person are the same ticket for a day.
        """
        with self._call(ctx, "tickets") as (request, desk, caller):
            draft = TicketDraft(subject=subject, body=body, email=email, question_id=question_id)
            same = [idempotency_key] if idempotency_key else [f"{desk.now():%Y-%m-%d}", subject, body, email]
            key = hashlib.sha256("\0".join([caller.id, *same]).encode("utf-8", "replace")).hexdigest()[:40]
            ticket = desk.open_ticket(draft, f"mcp-{key}")
            return TicketResult(number=ticket.number, url=_address(request, f"/ticket/{ticket.id}"))

    @contextmanager
    def _call(self, ctx: Context[Any, Any], kind: limits.Kind) -> Iterator[tuple[Request, HelpDesk, Caller]]:
        """Who asks whom. What a person can mend becomes the tool's error, in plain words."""
        request = self.request_of(ctx)
        if seconds := limits.wait(request, kind):
            raise ToolError(f"Too many requests. Try again in {seconds} seconds.")
        try:
            yield request, request.app.state.desk, auth.caller(request)
        except StoreUnavailable as error:
            _log.error("%s", error)
            raise ToolError("The help desk cannot store this right now. Try again in a moment.") from None
        except TicketInvalid as error:
            said = words(SOURCE)
            raise ToolError(" ".join(f"{name}: {said.say(text)}" for name, text in error.fields.items())) from None
        except BotError as error:
            raise ToolError(words(SOURCE).say(error.message) if error.message else str(error)) from None


def server(request_of: Callable[[Context[Any, Any]], Request], title: str) -> MCPServer[Any]:
    """The tools as a server of the protocol; how it is reached is up to the caller."""
    tools = Tools(request_of)
    made: MCPServer[Any] = MCPServer(
        "firstline",
        title=title,
        instructions=INSTRUCTIONS,
        version=version("firstline"),
        log_level="WARNING",
        subscriptions=False,
    )
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    keeps = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
    sends = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=True)
    made.add_tool(tools.search, title="Search the help centre", annotations=reads)
    made.add_tool(tools.fetch, title="Read an article", annotations=reads)
    made.add_tool(tools.ask, title="Ask the help desk", annotations=keeps)
    made.add_tool(tools.open_ticket, title="Send a ticket", annotations=sends)
    return made


def _language(given: str) -> str | None:
    if not given.strip():
        return None
    if (lang := languages.normalise(given)) is None:
        raise ToolError(f"{given!r} is no language; use a code of ISO 639-1 such as en or pl, or leave it out.")
    return lang


def _entry(snapshot: Snapshot, caller: Caller, given: str) -> Entry | None:
    """The article of an id, or of a language and an id; None where there is none that the caller may read."""
    lang, _, rest = given.partition("/")
    keys = [*(ArticleKey(given, code) for code in snapshot.languages), ArticleKey(rest, lang)]
    found = (snapshot.entry(key) for key in keys)
    return next((entry for entry in found if entry and entry.article.audience in caller.audiences), None)


def _text(section: Section) -> str:
    return f"{'#' * max(2, section.level)} {section.heading}\n\n{section.text}" if section.heading else section.text


def _id(snapshot: Snapshot, caller: Caller, key: ArticleKey) -> str:
    """What `fetch` takes for this article in this language: with the language where its id alone means another one."""
    first = _entry(snapshot, caller, key.id)
    return key.id if first and first.article.key == key else f"{key.lang}/{key.id}"


def _found(request: Request, desk: HelpDesk, caller: Caller, each: Suggestion) -> Found:
    snapshot = desk.library.searcher.snapshot
    return Found(id=_id(snapshot, caller, each.key), title=each.title, url=_address(request, each.path))


def _address(request: Request, path: str) -> str:
    """The whole address; the path alone where nothing says under which address this site is."""
    return base_address(request) + path if request.client or request.app.state.settings.base_url else path
