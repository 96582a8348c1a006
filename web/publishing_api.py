"""Publications over the API, for whoever keeps the articles."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from bot.publishing.publication import Finding, How, Publication, Severity, Stage, State
from web import auth
from web.auth import Author
from web.publishing import Publishing
from web.schemas import In

router = APIRouter()


class FindingOut(BaseModel):
    """Something about a file of the articles, in English."""

    path: str
    line: int = Field(description="0 where it is about the whole file.")
    rule: str
    severity: Severity
    message: str
    fix: str

    @classmethod
    def of(cls, finding: Finding) -> Self:
        return cls(
            path=finding.path,
            line=finding.line,
            rule=finding.rule,
            severity=finding.severity,
            message=finding.message,
            fix=finding.fix,
        )


class PublicationOut(BaseModel):
    """An attempt to publish, and what came of it."""

    id: int
    how: How
    who: str = Field(description="A name; empty where nobody signed in asked for it.")
    state: State
    stage: Stage = Field(description="What is being done, while it runs.")
    done: int = Field(description="Of `total`, while it runs.")
    total: int = Field(description="0 where it is not known.")
    asked: datetime
    began: datetime | None
    ended: datetime | None
    branch: str
    commit: str = Field(description="Empty where it is not known.")
    subject: str = Field(description="The first line of the commit's message.")
    snapshot: str = Field(description="What was made of it; in use where `state` is `published`, until the next one.")
    before: str = Field(description="The snapshot in use until then.")
    counts: dict[str, float]
    reason: str = Field(description="Why nothing was published.")
    found: int = Field(description="How many findings there were; the first 200 are kept.")
    findings: list[FindingOut] = Field(description="Those on articles that you may read.")

    @classmethod
    def of(cls, row: Publication, audiences: Collection[str] | None = None) -> Self:
        """With the findings on articles of these `audiences`; with all of them for None."""
        shown = [one for one in row.findings if audiences is None or one.readable_by(audiences)]
        return cls(
            id=row.id,
            how=row.how,
            who=row.who,
            state=row.state,
            stage=row.stage,
            done=row.done,
            total=row.total,
            asked=row.asked,
            began=row.began,
            ended=row.ended,
            branch=row.branch,
            commit=row.commit,
            subject=row.subject,
            snapshot=row.snapshot,
            before=row.before,
            counts=dict(row.counts),
            reason=str(row.reason or ""),
            found=row.found,
            findings=[FindingOut.of(one) for one in shown],
        )


class PublicationListOut(BaseModel):
    total: int = Field(description="How many there are of what was asked for.")
    publications: list[PublicationOut]


class PublishIn(In):
    again: bool = Field(False, description="Publish a commit that was taken back, too.")


class TakeBackIn(In):
    snapshot: str = Field("", max_length=64, description="Which one. Empty: the one before what is in use.")


@router.get("/publications", summary="What was published")
def list_publications(
    request: Request,
    author: Author,
    state: State | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> PublicationListOut:
    """And what was not, and why; the newest first. Needs the right `authoring`."""
    found = _publishing(request).publisher.store.find(state=state, limit=limit, offset=offset)
    rows = [PublicationOut.of(row, author.audiences) for row in found.rows]
    return PublicationListOut(total=found.total, publications=rows)


@router.get("/publications/{publication_id}", summary="Look at a publication")
def get_publication(publication_id: int, request: Request, author: Author) -> PublicationOut:
    """How far it is, or how it ended. Needs the right `authoring`."""
    return PublicationOut.of(_publishing(request).publisher.store.get(publication_id), author.audiences)


@router.post("/publications", status_code=202, summary="Publish now")
def publish(asked: PublishIn, request: Request, author: Author) -> PublicationOut:
    """Fetches, checks, indexes and tests what is newest, then switches to it; where one waits that has not begun, that
    is it. Needs the right `authoring`.
    """
    return PublicationOut.of(ask(request, again=asked.again), author.audiences)


@router.post("/publications/rollback", summary="Go back")
def roll_back(asked: TakeBackIn, request: Request, author: Author) -> PublicationOut:
    """Has a snapshot that was published before be the one in use again. Needs the right `authoring`."""
    return PublicationOut.of(take_back(request, asked.snapshot), author.audiences)


def ask(request: Request, *, again: bool) -> Publication:
    """As somebody signed in asks for it."""
    asked = _publishing(request).ask("page", auth.caller(request).name, again=again)
    auth.accounts(request).asked_to_publish(asked.id, auth.by(request))
    return asked


def take_back(request: Request, snapshot: str) -> Publication:
    """As somebody signed in does it; in use when this returns. Raises NothingToTakeBack or PublicationRunning."""
    done = _publishing(request).publisher.take_back(snapshot, auth.caller(request).name)
    auth.accounts(request).took_back(done.id, done.before, done.snapshot, auth.by(request))
    request.app.state.desk.library.refresh()
    return done


def _publishing(request: Request) -> Publishing:
    publishing: Publishing = request.app.state.publishing
    return publishing
