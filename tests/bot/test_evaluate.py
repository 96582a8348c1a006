"""Reading the questions, and a run over a small knowledge base."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.decide import Policy
from bot.evaluate import Evaluation, read_queries, run
from kb.build import BuildSettings
from kb.embedding import HashEmbedder
from kb.errors import EvaluationFileError
from tests.bot.conftest import ARTICLES
from tests.conftest import Write


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
