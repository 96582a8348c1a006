"""Predictions are written by one run and read by a later one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.predictions import Prediction, predictions, read_predictions, write_predictions
from kb.errors import EvaluationFileError
from tests.bot.test_metrics import outcome

LINE = '{"id": "1", "decision": "answer", "confidence": 0.9, "articles": ["a"]}'


def test_predictions_are_one_object_a_query(tmp_path: Path) -> None:
    write_predictions([outcome({"a"}, ("a", "b"), decision="answer", confidence=0.9)], tmp_path / "p.jsonl")
    assert json.loads((tmp_path / "p.jsonl").read_text()) == {
        "id": "q",
        "decision": "answer",
        "confidence": 0.9,
        "articles": ["a", "b"],
    }


@given(st.text(st.characters(exclude_categories=["Cs"])), st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_what_was_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, key: str, articles: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "p.jsonl"
    written = [outcome(set(), tuple(articles), key=key), outcome({"a"}, ("a",), key=key + "2")]
    write_predictions(written, path)
    assert read_predictions(path) == predictions(written)


def test_a_blank_line_is_no_prediction(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(f"\n{LINE}\n\n")
    assert read_predictions(path) == {"1": Prediction("1", "answer", 0.9, ("a",))}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "p.jsonl:2: not valid JSON"),
        ('"x"', "p.jsonl:2: found str. Expected one"),
        ('{"id": "2"}', "p.jsonl:2: decision is missing. Expected one"),
        (LINE, "p.jsonl:2: the id '1' stands on an earlier line too."),
        (LINE.replace('"1"', "2"), "p.jsonl:2: id is 2, expected a text."),
        (
            LINE.replace('"1"', '"2"').replace("answer", "maybe"),
            "p.jsonl:2: decision is 'maybe', expected answer, suggest or unanswered.",
        ),
        (
            LINE.replace('"1"', '"2"').replace("0.9", "90"),
            "p.jsonl:2: confidence is 90, expected a number from 0 to 1.",
        ),
        (
            LINE.replace('"1"', '"2"').replace("0.9", "NaN"),
            "p.jsonl:2: confidence is nan, expected a number from 0 to 1.",
        ),
        (
            LINE.replace('"1"', '"2"').replace('["a"]', '"a"'),
            "p.jsonl:2: articles is 'a', expected a list of article ids.",
        ),
        (LINE.replace('"1"', r'"\ud83d"'), "p.jsonl:2: not valid JSON"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(f"{LINE}\n{line}\n")
    with pytest.raises(EvaluationFileError) as error:
        read_predictions(path)
    assert message in str(error.value)


@pytest.mark.parametrize("indent", [None, 2])
def test_figures_instead_of_predictions_are_told_apart(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"queries": 2, "hit@1": 0.5}, indent=indent))
    with pytest.raises(EvaluationFileError, match=r"Run that version again with --predictions FILE"):
        read_predictions(path)


def test_a_missing_and_an_empty_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationFileError, match=r"no\.jsonl: cannot be read \(No such file or directory\)"):
        read_predictions(tmp_path / "no.jsonl")
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(EvaluationFileError, match=r"empty\.jsonl holds no predictions"):
        read_predictions(tmp_path / "empty.jsonl")
