"""Puts a decision into an article's own words: nothing is invented, every text is a piece of an article."""

from __future__ import annotations

import re
from html import escape

from bot import decide
from bot.decide import Decision
from bot.models import Answer, DecisionName, Offer, Question, Reply, Suggestion
from kb.links import article_path
from kb.models import Section
from kb.search import Hit, Ranking, Searcher

#: A section up to this length is shown whole, so that no step is missing; of a longer one the passage that matched.
_WHOLE_SECTION = 2_400
_SNIPPET = 220
_MARKS = re.compile(r"^- | \| ", re.MULTILINE)
_NAMES: dict[type[Decision], DecisionName] = {
    decide.Answer: "answer",
    decide.Suggest: "suggest",
    decide.Unanswered: "unanswered",
}


def answer(hit: Hit, searcher: Searcher) -> Answer:
    """The part of the article that answers, as HTML and as text, with a link to its heading."""
    entry, passage = searcher.entry(hit.article), searcher.passage(hit.row)
    section, *following = entry.sections[passage.section : passage.section + 2]
    parts = [section]
    if section.level == 0 and following and len(section.text) + len(following[0].text) <= _WHOLE_SECTION:
        parts += following  # an article's opening says what the steps below it do
    html, text = "".join(map(_html, parts)), "\n\n".join(filter(None, map(_text, parts)))
    lines = (section.lines[0], parts[-1].lines[1])
    if len(text) > _WHOLE_SECTION and passage.html:
        html, text, lines = passage.html, passage.text, passage.lines
    return Answer(
        key=entry.article.key,
        title=entry.article.title,
        path=article_path(entry.article.key, parts[-1].anchor),
        heading=parts[-1].heading,
        html=html,
        text=text,
        lines=lines,
    )


def _html(section: Section) -> str:
    return f"<h3>{escape(section.heading)}</h3>\n{section.html}" if section.heading else section.html


def _text(section: Section) -> str:
    return f"{section.heading}\n{section.text}" if section.heading else section.text


def suggestion(hit: Hit, searcher: Searcher) -> Suggestion:
    """The article with the words of the passage that matched, and a link to its heading."""
    entry, passage = searcher.entry(hit.article), searcher.passage(hit.row)
    return Suggestion(
        key=entry.article.key,
        title=entry.article.title,
        path=article_path(entry.article.key, passage.anchor),
        heading=passage.heading_path[-1] if passage.heading_path else "",
        snippet=snippet(passage.text if passage.kind == "body" else entry.article.summary),
        score=round(hit.score, 3),
    )


def snippet(text: str) -> str:
    """The first words of a text on one line without the marks of lists and tables, cut at a word's end."""
    line = " ".join(_MARKS.sub(" ", text).split())
    if len(line) <= _SNIPPET:
        return line
    return line[:_SNIPPET].rsplit(" ", 1)[0].rstrip(",;:.") + "…"


def offer(decision: Decision, searcher: Searcher, limit: int) -> Offer:
    """The articles of a decision, the answer's first; none where it is unanswered. `limit` is at least 1."""
    match decision:
        case decide.Answer(hit, others):
            hits: tuple[Hit, ...] = (hit, *others)
        case decide.Suggest(near):
            hits = near
        case decide.Unanswered():
            hits = ()
    asks = isinstance(decision, decide.Suggest) and decision.between and limit > 1
    shown = tuple(suggestion(hit, searcher) for hit in hits[:limit])
    return Offer(shown, shown[:2] if asks else ())


def reply(decision: Decision, ranking: Ranking, searcher: Searcher, question: Question, reply_id: str) -> Reply:
    """What the person gets: the answer and what else may help, the suggestions, or neither."""
    answered = answer(decision.hit, searcher) if isinstance(decision, decide.Answer) else None
    offered = offer(decision, searcher, limit=1 + decide.SUGGESTIONS)
    shown = offered.suggestions
    keys = {article.key for article in shown}
    rest = [hit for hit in ranking.hits if searcher.entry(hit.article).article.key not in keys]
    return Reply(
        id=reply_id,
        decision=_NAMES[type(decision)],
        confidence=round(ranking.confidence, 4),
        reason=decision.reason,
        answer=answered,
        suggestions=shown[1:] if answered else shown,
        snapshot=searcher.snapshot.id,
        corrected=ranking.corrected if ranking.corrected != question.text else "",
        further=tuple(suggestion(hit, searcher) for hit in rest),
        between=offered.between,
    )
