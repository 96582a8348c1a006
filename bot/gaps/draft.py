"""A first draft of an article, made of a gap: what people asked, in their own words, as its questions."""

from __future__ import annotations

from collections.abc import Callable

import yaml

from bot.draft import SENTENCE, Draft, Masked, for_author, most, quoted, slug
from bot.errors import Message
from bot.gaps.models import Gap
from kb.analysis import fold
from kb.search import Query, Searcher

_MOST_QUESTIONS = 8
_LONGEST_QUESTION = 200
#: The nearest articles say where a new one belongs and who keeps it.
_NEIGHBOURS = 5


def draft(gap: Gap, searcher: Searcher, audiences: frozenset[str], say: Callable[[Message], str] = str) -> Draft:
    """The draft of a gap. Topic and owner are those of the nearest articles that `audiences` may read. `say` puts the
    headings into its language."""
    mine = Masked("")
    asked = [" ".join(mine(wording.text).split()) for wording in gap.wordings]
    short = {fold(text): text for text in reversed([_short(text) for text in asked]) if text}
    questions = list(short.values())[::-1][:_MOST_QUESTIONS]
    name = " ".join(mine(gap.name).split()).rstrip(" .!?…")
    title = name[:1].upper() + name[1:] or gap.id
    near = [
        searcher.entry(hit.article).article
        for hit in searcher.rank(Query(name or title, lang=gap.lang or None, audiences=audiences), _NEIGHBOURS).hits
    ]
    called = slug(title, f"gap-{gap.id}", {entry.article.id for entry in searcher.snapshot.entries})
    lang = gap.lang or next(iter(searcher.snapshot.languages), "")
    front = {"id": called, "title": title, "lang": lang, "status": "draft", "owner": most(near, "owner")}
    values = {key: value for key, value in front.items() if value} | {"questions": questions}
    written = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=10_000)
    told = "\n".join(asked)
    parts = [
        f"---\n{written}---",
        for_author(say(Message("Write in one or two sentences who this is for and what it solves."))),
        f"## {say(Message('The problem'))}",
        quoted(told),
        f"## {say(Message('What solves it'))}",
        for_author(
            say(Message("Write the steps, one line each. Name the exact buttons, and what should happen next."))
        ),
        for_author(say(Message("Write what to do where this does not help. Then remove these boxes and publish it."))),
    ]
    path = "/".join(filter(None, (lang, most(near, "topic"), f"{called}.md")))
    return Draft(path, title, "\n\n".join(filter(None, parts)) + "\n")


def _short(text: str) -> str:
    """A question that is no whole letter: its first sentence, and as many words of that as fit."""
    if len(text) <= _LONGEST_QUESTION:
        return text
    first = SENTENCE.split(text, 1)[0]
    return first if len(first) <= _LONGEST_QUESTION else first[:_LONGEST_QUESTION].rpartition(" ")[0]
