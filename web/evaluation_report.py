"""An evaluation as one page that needs nothing else: figures, charts, and the mistakes to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.comparison import Comparison
from bot.evaluate import Evaluation
from bot.metrics import Coverage, Outcome, by_language, confidences, coverage, firsts, reliability
from web.charts import coverage_chart, percent, reliability_chart
from web.pages.templates import environment, speaking
from web.words import words

#: How many mistakes, changes and slow questions are listed: as many as somebody reads.
_MISTAKES = 25
_SLOWEST = 5
#: How much of a ticket is shown; the rest is in the queries file.
_BODY_CHARACTERS = 1500
_TENTHS = 10
_DECISIONS = {"answer": "Answered", "suggest": "Suggested", "unanswered": "Not answered"}


@dataclass(frozen=True, slots=True)
class About:
    """What was measured, in names a reader knows: file names, not paths."""

    articles: str
    queries: str
    model: str
    created: datetime


def render(evaluation: Evaluation, about: About, comparison: Comparison | None = None) -> str:
    """The page as HTML. Whatever came from a file is text on it."""
    outcomes = evaluation.outcomes
    confidence, right = confidences(outcomes), firsts(outcomes)
    bins, curve = reliability(confidence, right), coverage(confidence, right)
    operating = _operating(outcomes)
    wrong = [o for o in outcomes if o.asked.relevant and not o.first_is_right]
    false = [o for o in outcomes if not o.asked.relevant and o.decision == "answer"]
    values = {
        **speaking(words("en")),
        "about": about,
        "articles": len(evaluation.titles),
        "metrics": evaluation.metrics,
        "languages": by_language(outcomes),
        "bins": bins,
        "reliability_chart": reliability_chart(bins),
        "coverage": _rows(curve, operating, len(outcomes)),
        "coverage_chart": coverage_chart(curve, operating, len(outcomes)),
        "wrong": len(wrong),
        "mistakes": [_shown(o, evaluation.titles) for o in _surest(wrong)],
        "false_answers": [_shown(o, evaluation.titles) for o in _surest(false)],
        "slowest": sorted(outcomes, key=lambda o: -o.ms)[:_SLOWEST],
        "comparison": comparison,
        "most": _MISTAKES,
        "percent": percent,
    }
    return environment().get_template("evaluation.html").render(values)


def _operating(outcomes: Sequence[Outcome]) -> Coverage | None:
    """What the policy that was measured does; None where it answered nothing."""
    answered = [o for o in outcomes if o.decision == "answer"]
    if not answered:
        return None
    return Coverage(min(o.confidence for o in answered), len(answered), sum(o.first_is_right for o in answered))


def _rows(curve: Sequence[Coverage], operating: Coverage | None, queries: int) -> list[tuple[Coverage, bool]]:
    """The curve at each tenth of the questions, and the policy's own point, marked as such."""
    tenths = {next(c for c in curve if c.answered * _TENTHS >= n * queries) for n in range(1, _TENTHS + 1)}
    rows = [(point, False) for point in tenths if not operating or point.answered != operating.answered]
    if operating:
        rows.append((operating, True))
    return sorted(rows, key=lambda row: row[0].answered)


def _surest(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return sorted(outcomes, key=lambda o: -o.confidence)[:_MISTAKES]


def _shown(outcome: Outcome, titles: Mapping[str, str]) -> dict[str, Any]:
    asked = outcome.asked
    body = asked.query.body.strip()
    return {
        "id": asked.id,
        "lang": asked.lang,
        "question": asked.query.text,
        "body": body[:_BODY_CHARACTERS] + ("…" if len(body) > _BODY_CHARACTERS else ""),
        "confidence": outcome.confidence,
        "decision": _DECISIONS[outcome.decision],
        "first": _named(outcome.articles[:1], titles),
        "right": _named(sorted(asked.relevant), titles),
        "rank": outcome.rank,
    }


def _named(articles: Sequence[str], titles: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """(id, title) of each, the title None where no article has the id."""
    return [(article, titles.get(article)) for article in articles]
