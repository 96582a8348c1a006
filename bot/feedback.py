"""What readers said of articles: whether one helped, why it did not, and in their own words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol, get_args

import sqlalchemy as sa

from bot import privacy
from bot.database import insert, reachable
from bot.errors import FeedbackInvalid, Message
from bot.tables import article_feedback

ReasonName = Literal["outdated", "wrong", "unclear", "other"]
REASONS: tuple[ReasonName, ...] = get_args(ReasonName)
MAX_COMMENT = 2_000


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one session said of one article. `reason` is "" where none was given, `comment` is masked once kept.

    `lang` is the language the article was read in.
    """

    article_id: str
    session: str
    at: datetime
    lang: str
    helpful: bool
    reason: ReasonName | Literal[""] = ""
    comment: str = ""

    @property
    def bare(self) -> bool:
        """A "no" and nothing more."""
        return not (self.helpful or self.reason or self.comment)


@dataclass(frozen=True, slots=True)
class Said:
    """One page of what was said: of `total` that fit, `helpful` said yes."""

    total: int
    helpful: int
    rows: tuple[Feedback, ...]


class FeedbackStore(Protocol):
    """Keeps one word of each session on each article: the last one. Every method may raise StoreUnavailable."""

    def keep(self, said: Feedback) -> None:
        """A "no" without reason and comment leaves those of an earlier "no" as they are."""
        ...

    def find(self, *, article: str = "", helpful: bool | None = None, limit: int = 100, offset: int = 0) -> Said:
        """What fits, the newest first."""
        ...

    def votes(self, articles: Collection[str]) -> dict[str, tuple[int, int]]:
        """How many said that an article helped, and how many that it did not; only articles somebody spoke of."""
        ...


def keep(store: FeedbackStore, said: Feedback) -> None:
    """Keeps what a reader said, personal data masked. Raises FeedbackInvalid or StoreUnavailable; nothing is kept then.

    A "yes" has no reason and no comment: nobody reads why a thing was fine.
    """
    comment = privacy.printable(said.comment).strip()
    if len(comment) > MAX_COMMENT:
        raise FeedbackInvalid(
            Message(
                "Shorten the comment to %(limit)s characters or fewer; it has %(count)s.",
                limit=MAX_COMMENT,
                count=len(comment),
            )
        )
    if said.reason not in ("", *REASONS):
        raise FeedbackInvalid(f"{said.reason!r} is no reason. Give one of {', '.join(REASONS)}, or none.")
    if said.helpful:
        store.keep(replace(said, reason="", comment=""))
    else:
        store.keep(replace(said, comment=privacy.mask(comment)))


class MemoryFeedbackStore:
    """A fake for tests and for trying things out."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], Feedback] = {}

    def keep(self, said: Feedback) -> None:
        key = said.article_id, said.session
        before = self._said.get(key)
        if before and said.bare:
            said = replace(said, reason=before.reason, comment=before.comment)
        self._said[key] = said

    def find(self, *, article: str = "", helpful: bool | None = None, limit: int = 100, offset: int = 0) -> Said:
        found = [
            said
            for said in self._said.values()
            if (not article or said.article_id == article) and (helpful is None or said.helpful == helpful)
        ]
        found.sort(key=lambda said: (said.article_id, said.session))
        found.sort(key=lambda said: said.at, reverse=True)
        return Said(len(found), sum(said.helpful for said in found), tuple(found[offset : offset + limit]))

    def votes(self, articles: Collection[str]) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for said in self._said.values():
            if said.article_id in articles:
                yes, no = found.get(said.article_id, (0, 0))
                found[said.article_id] = (yes + said.helpful, no + (not said.helpful))
        return found


class SqlFeedbackStore:
    """Feedback in a SQL database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def keep(self, said: Feedback) -> None:
        row = asdict(said)
        with reachable("The feedback could not be stored"), self._engine.begin() as connection:
            new = insert(connection, article_feedback).values(row)
            key = ["article_id", "session"]
            stays = {*key, "reason", "comment"} if said.bare else set(key)
            changed = {name: value for name, value in row.items() if name not in stays}
            connection.execute(new.on_conflict_do_update(index_elements=key, set_=changed))

    def find(self, *, article: str = "", helpful: bool | None = None, limit: int = 100, offset: int = 0) -> Said:
        table = article_feedback.c
        wanted: list[sa.ColumnElement[bool]] = [table.article_id == article] if article else []
        if helpful is not None:
            wanted.append(table.helpful == helpful)
        counted = sa.select(sa.func.count(), sa.func.count(sa.case((table.helpful, 1)))).where(*wanted)
        listed = article_feedback.select().where(*wanted).order_by(table.at.desc(), table.article_id, table.session)
        with reachable("The feedback could not be read"), self._engine.connect() as connection:
            total, yes = connection.execute(counted.select_from(article_feedback)).one()
            rows = connection.execute(listed.limit(limit).offset(offset)).all()
        return Said(total, yes, tuple(_feedback(row) for row in rows))

    def votes(self, articles: Collection[str]) -> dict[str, tuple[int, int]]:
        table = article_feedback.c
        counted = (
            sa.select(table.article_id, sa.func.count(sa.case((table.helpful, 1))), sa.func.count())
            .where(table.article_id.in_(list(articles)))
            .group_by(table.article_id)
        )
        with reachable("The feedback could not be read"), self._engine.connect() as connection:
            return {article: (yes, total - yes) for article, yes, total in connection.execute(counted)}


def _feedback(row: sa.Row[Any]) -> Feedback:
    return Feedback(row.article_id, row.session, row.at, row.lang, row.helpful, row.reason, row.comment)
