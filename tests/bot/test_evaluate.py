"""Reading the questions, and a run over a small knowledge base."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.decide import Policy
from bot.evaluate import Evaluation, read_queries, run
from kb.build import BuildSettings
from kb.embedding import HashEmbedder
from kb.errors import EvaluationFileError
from kb.search import Ranking, Searcher
from tests.bot.conftest import ARTICLES
from tests.conftest import Write
from tests.training import ARTICLES as MANY
from tests.training import CHANCE, install, small


def save(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id": "1", "query": "x", "relevant": "a"}', ":1: relevant is 'a', expected a list of article ids."),
        ('{"id": "1", "query": "x"}', ":1: missing relevant; found the keys id, query."),
        (
            '{"id": "1", "query": "x", "relevant": [], "lang": ["pl"]}',
            ":1: lang is ['pl'], expected a language code such as \"en\".",
        ),
        ("{", ":1: not valid JSON"),
        ("[]", ":1: expected a JSON object, found list."),
        ("", " holds no queries."),
    ],
)
def test_a_broken_queries_file_names_the_line(tmp_path: Path, line: str, words: str) -> None:
    path = save(tmp_path / "queries.jsonl", line)
    with pytest.raises(EvaluationFileError) as error:
        read_queries(path)
    assert f"{path}{words}" in str(error.value)


def test_an_id_used_twice_is_refused(tmp_path: Path) -> None:
    row = '{"id": 1, "query": "x", "relevant": []}'
    path = save(tmp_path / "queries.jsonl", row, row)
    with pytest.raises(EvaluationFileError, match=r":2: the id '1' was used before"):
        read_queries(path)


@pytest.mark.parametrize(
    ("tag", "hint", "group"), [("pl", "pl", "pl"), ("pt-BR", "pt", "pt"), ("fil", None, "fil"), (None, None, "")]
)
def test_the_language_of_a_question_is_a_hint_where_it_is_one_we_know(
    tmp_path: Path, tag: str | None, hint: str | None, group: str
) -> None:
    row = json.dumps({"id": "1", "query": "x", "relevant": [], "lang": tag})
    [asked] = read_queries(save(tmp_path / "queries.jsonl", row))
    assert (asked.query.lang, asked.lang) == (hint, group)


def evaluated(write: Write, data: Path, *relevant: list[str]) -> Evaluation:
    source = write(ARTICLES)
    rows = [json.dumps({"id": n, "query": "I forgot my password", "relevant": ids}) for n, ids in enumerate(relevant)]
    queries = save(source.parent / "queries.jsonl", *rows)
    return run(source, queries, data, BuildSettings(model=HashEmbedder.NAME), Policy())


def test_a_run_knows_titles_in_the_main_language_and_the_ids_that_no_article_has(write: Write, data: Path) -> None:
    result = evaluated(write, data, ["reset-password", "gone"], ["lost", "gone"], [])
    assert result.unknown_relevant == ("gone", "lost")
    assert result.titles["reset-password"] == "Reset a forgotten password"
    assert (result.metrics["queries"], result.metrics["hit@1"], result.metrics["unanswerable"]) == (3, 0.5, 1)


def test_ids_of_another_knowledge_base_are_refused_with_both_kinds_of_id(write: Write, data: Path) -> None:
    with pytest.raises(EvaluationFileError) as error:
        evaluated(write, data, ["kb-1"], ["kb-2"], [])
    assert "no article has any of the ids in `relevant`, such as kb-1, kb-2." in str(error.value)
    assert "look like byod, paper-jam, reset-password." in str(error.value)


@pytest.mark.parametrize("better", [True, False])
def test_a_run_trains_on_what_is_not_asked_and_asks_the_better_encoder(
    write: Write, data: Path, monkeypatch: pytest.MonkeyPatch, encoder_folder: Path, better: bool
) -> None:
    (data / "encoders").mkdir(parents=True)
    trainer = install(monkeypatch, small(encoder_folder), data)
    if not better:
        trainer.report = CHANCE
    asked_with: list[str] = []
    rank = Searcher.rank

    def noted(searcher: Searcher, *words: Any) -> Ranking:
        asked_with.append(searcher.snapshot.encoders[0].embedder.name)
        return rank(searcher, *words)

    monkeypatch.setattr(Searcher, "rank", noted)
    source = write(MANY)
    rows = [
        {"id": "1", "query": "How a 3", "relevant": ["article-03"]},
        {"id": "2", "query": "no sound", "body": "since monday", "relevant": ["article-04"]},
    ]
    queries = save(source.parent / "queries.jsonl", *map(json.dumps, rows))
    solved = [*rows, {"id": "3", "query": "no picture", "relevant": ["article-04"]}]
    learn = save(source.parent / "solved.jsonl", *map(json.dumps, solved))

    def go(train: bool) -> Evaluation:
        return run(source, queries, data, BuildSettings(), Policy(), learn=learn, train=train)

    first = go(True)
    [(questions, _)] = trainer.given
    assert len(questions) == 100
    assert "no picture" in questions
    assert {"how a 3", "no sound\nsince monday"}.isdisjoint(questions)
    assert first.trained
    assert first.trained["published"] is better
    assert set(asked_with) == {"all-MiniLM-L6-v2-trained" if better else "all-MiniLM-L6-v2"}
    assert go(True).trained == first.trained
    assert len(trainer.given) == 1

    asked_with.clear()
    assert go(False).trained is None
    assert set(asked_with) == {"all-MiniLM-L6-v2"}
