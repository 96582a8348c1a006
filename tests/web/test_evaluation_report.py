"""The report of an evaluation: one page, whatever the questions hold."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from bot.comparison import compare
from bot.evaluate import Evaluation
from bot.metrics import Asked, Coverage, Outcome, metrics
from bot.predictions import Prediction, predictions
from kb.search import Query
from web.charts import coverage_chart
from web.evaluation_report import About, render

ABOUT = About("docs.jsonl", "tickets.jsonl", "all-MiniLM-L6-v2", datetime(2026, 11, 21, 12, 0, tzinfo=UTC))
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def outcome(
    key: str, text: str, relevant: set[str], first: str, *, decision: str = "answer", confidence: float = 0.9
) -> Outcome:
    asked = Asked(key, Query(text, f"{text} in full"), frozenset(relevant), "en")
    return Outcome(asked, decision, confidence, (first, "b") if first else (), ms=2.5)


def evaluation(*outcomes: Outcome, titles: dict[str, str] | None = None) -> Evaluation:
    return Evaluation(outcomes, metrics(outcomes), titles or {"a": "Article A", "b": "Article B"}, ())


MIXED = evaluation(
    outcome("1", "right", {"a"}, "a"),
    outcome("2", "sure and wrong", {"b", "lost"}, "a", confidence=0.8),
    outcome("3", "surer and wrong", {"c"}, "a", confidence=0.85),
    outcome("4", "outside", set(), "a", confidence=0.75),
    outcome("5", "outside too", set(), "", decision="unanswered", confidence=0.0),
)


class Page(HTMLParser):
    """Text by section, and every tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.section = ""
        self.text: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "section":
            self.section = dict(attrs)["aria-labelledby"] or ""

    def handle_data(self, data: str) -> None:
        known = self.text.get(self.section, "")
        self.text[self.section] = " ".join(f"{known} {data}".split())


def test_the_page_asks_for_nothing_from_elsewhere_and_runs_no_script() -> None:
    page = Page(render(MIXED, ABOUT))
    assert {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object", "base", "form"} == set()
    assert [given for _, given in page.tags if {"src", "href", "action", "onclick"} & given.keys()] == []
    policy = [given["content"] for tag, given in page.tags if given.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_figures_stand_with_what_they_are_of() -> None:
    text = Page(render(MIXED, ABOUT)).text[""]
    assert "5 questions of tickets.jsonl , asked of 2 articles in docs.jsonl with all-MiniLM-L6-v2" in text
    assert "Right article first 33.3 %" in text
    assert "Answers that are right 25.0 %" in text
    assert "False answers 50.0 %" in text
    assert "1 of 2 questions that no article answers" in text


def test_mistakes_are_listed_surest_first_with_the_titles_of_both_articles() -> None:
    text = Page(render(MIXED, ABOUT)).text["mistakes"]
    assert re.findall(r"\w+ and wrong(?! in full)", text) == ["surer and wrong", "sure and wrong"]
    assert "First Article A a Right Article B b , No article has this id: lost – at place 2" in text
    assert "No article has this id: c – not among the ten Confidence 0.85, answered – question 3" in text


def test_an_answer_to_what_no_article_answers_is_listed_apart() -> None:
    text = Page(render(MIXED, ABOUT)).text["false"]
    assert "1 of 2 such questions." in text
    assert "outside The whole text outside in full Answer Article A a Confidence 0.75 – question 4" in text


def test_the_settings_in_use_are_a_marked_row_of_the_coverage_table_and_a_mark_in_the_chart() -> None:
    html = render(MIXED, ABOUT)
    assert '<tr class="own"><td>80.0\u00a0%<br>in use</td><td>4</td><td>0.75</td><td>25.0\u00a0%</td>' in html
    assert "Answers 80.0\u00a0%," in html


def test_whatever_was_typed_is_text() -> None:
    hostile = outcome(HOSTILE, HOSTILE, {HOSTILE}, HOSTILE)
    foreign = outcome("x", HOSTILE, set(), HOSTILE)
    result = evaluation(hostile, foreign, outcome("y", "x", {"a"}, HOSTILE), titles={HOSTILE: HOSTILE})
    before = {HOSTILE: Prediction(HOSTILE, "answer", 0.5, ("z",))}
    compared = compare([o.asked for o in result.outcomes], before, predictions(result.outcomes))
    page = Page(render(result, About(HOSTILE, HOSTILE, HOSTILE, ABOUT.created), compared))
    assert {tag for tag, _ in page.tags} & {"script", "img"} == set()
    assert "alert(1)" in page.text["mistakes"]
    assert "alert(1)" in page.text["changes"]


def test_what_changed_has_rose_and_fell_with_the_places_before_and_now() -> None:
    before = predictions(MIXED.outcomes) | {"1": Prediction("1", "answer", 0.9, ("b", "a"))}
    compared = compare([o.asked for o in MIXED.outcomes], before, predictions(MIXED.outcomes))
    text = Page(render(MIXED, ABOUT, compared)).text["changes"]
    assert "Right first before: 0.0 %, now: 33.3 %. The difference is +33.3 points" in text
    assert "Rose: 1 question Question Before Now right 1 2 1 Fell: 0 questions" in text


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [
        ([outcome("1", "x", {"a"}, "a")], "The file holds no such question."),
        ([outcome("1", "", set(), "", decision="unanswered", confidence=0.0)], "None of 1 question."),
        ([outcome("1", "x", {"a"}, "", decision="unanswered", confidence=0.0)], "First Nothing Right Article A a"),
        ([outcome("1", "x", {"a"}, "a")], "None: wherever an article answers, it stood first."),
    ],
    ids=["only right ones", "nothing answerable", "nothing found", "no mistakes"],
)
def test_a_page_with_nothing_to_show_in_a_part_says_so(outcomes: list[Outcome], words: str) -> None:
    text = " ".join(Page(render(evaluation(*outcomes), ABOUT)).text.values())
    assert words in text
    assert "nan" not in text.lower().split()


def test_a_curve_of_thousands_of_points_is_drawn_with_some_hundred() -> None:
    curve = [Coverage(1 - n / 5000, n, n) for n in range(1, 5001)]
    drawn = str(coverage_chart(curve, None, 5000))
    points = re.findall(r"[\d.]+,[\d.]+", drawn)
    assert 200 < len(points) <= 320
    assert points[-1] == "386.0,34.0"  # the last one: all answered, all right
