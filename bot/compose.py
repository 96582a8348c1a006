"""Puts a decision into an article's own words: nothing is invented, every text is a piece of an article."""

from __future__ import annotations

import re
from html import escape

from bot import decide
from bot.conversation import Understood
from bot.decide import Decision
from bot.models import Answer, DecisionName, Nothing, Offer, Question, Reply, Suggestion
from kb.links import article_path
from kb.marks import Wanted
from kb.models import Article, Section
from kb.search import Hit, Ranking, Searcher
from kb.typeahead import Match

#: A section up to this length is shown whole, so that no step is missing; of a longer one the passage that matched.
_WHOLE_SECTION = 2_400
_SNIPPET = 220
#: Of a ticket's text the first characters say what to mark.
_MOST_MARKED = 2_000
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
        audience=entry.article.audience,
    )


def _html(section: Section) -> str:
    return f"<h3>{escape(section.heading)}</h3>\n{section.html}" if section.heading else section.html


def _text(section: Section) -> str:
    return f"{section.heading}\n{section.text}" if section.heading else section.text


def suggestion(hit: Hit, searcher: Searcher, wanted: Wanted) -> Suggestion:
    """The article with the words of the passage that matched, and a link to its heading."""
    entry, passage = searcher.entry(hit.article), searcher.passage(hit.row)
    text = passage.text if passage.kind == "body" else entry.article.summary
    heading = passage.heading_path[-1] if passage.heading_path else ""
    return _suggestion(entry.article, text, heading, passage.anchor, wanted, round(hit.score, 3))


def match(found: Match, searcher: Searcher, wanted: Wanted) -> Suggestion:
    """The article that fits what is being typed: with the heading that does, else with the question its author wrote.

    Keywords are hidden synonyms and not shown.
    """
    entry = searcher.entry(found.article)
    article, section = entry.article, found.section or next(iter(entry.sections), None)
    text = found.line if found.kind == "question" else article.summary if not found.section else ""
    heading, anchor = (found.section.heading, found.section.anchor) if found.section else ("", "")
    return _suggestion(article, text or (section.text if section else ""), heading, anchor, wanted, 0.0)


def _suggestion(article: Article, text: str, heading: str, anchor: str, wanted: Wanted, score: float) -> Suggestion:
    excerpt = wanted.excerpt(_one_line(text), article.lang, _SNIPPET)
    return Suggestion(
        key=article.key,
        title=article.title,
        path=article_path(article.key, anchor),
        heading=heading,
        snippet=excerpt.text,
        score=score,
        topic=article.topic,
        title_marks=wanted.marks(article.title, article.lang),
        snippet_marks=excerpt.marks,
        audience=article.audience,
    )


def asked_for(question: Question, ranking: Ranking) -> Wanted:
    """What to mark in the articles of a ranking: the words of the question, typing errors mended."""
    return Wanted(f"{ranking.corrected}\n{question.body[:_MOST_MARKED]}")


def snippet(text: str) -> str:
    """The first words of a text on one line without the marks of lists and tables, cut at a word's end."""
    return Wanted("").excerpt(_one_line(text), "", _SNIPPET).text


def _one_line(text: str) -> str:
    return " ".join(_MARKS.sub(" ", text).split())


def offer(decision: Decision, searcher: Searcher, limit: int, wanted: Wanted) -> Offer:
    """The articles of a decision, the answer's first; none where it is unanswered. `limit` is at least 1."""
    match decision:
        case decide.Answer(hit, others):
            hits: tuple[Hit, ...] = (hit, *others)
        case decide.Suggest(near):
            hits = near
        case decide.Unanswered():
            hits = ()
    asks = isinstance(decision, decide.Suggest) and decision.between and limit > 1
    shown = tuple(suggestion(hit, searcher, wanted) for hit in hits[:limit])
    return Offer(shown, shown[:2] if asks else ())


def reply(decision: Decision, understood: Understood, searcher: Searcher, reply_id: str) -> Reply:
    """What the person gets: the answer and what else may help, the suggestions, or neither."""
    ranking, question = understood.ranking, understood.question
    answered = answer(decision.hit, searcher) if isinstance(decision, decide.Answer) else None
    marked = asked_for(question, ranking)
    offered = offer(decision, searcher, 1 + decide.SUGGESTIONS, marked)
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
        corrected=understood.corrected if understood.corrected != question.text else "",
        further=tuple(suggestion(hit, searcher, marked) for hit in rest),
        between=offered.between,
        nothing=_nothing(decision, ranking, question),
        context=understood.context,
    )


def _nothing(decision: Decision, ranking: Ranking, question: Question) -> Nothing:
    if not isinstance(decision, decide.Unanswered):
        return ""
    if question.topic is not None:
        return "topic"
    return "articles" if ranking.lang else "language"
