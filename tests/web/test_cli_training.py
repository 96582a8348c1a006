"""firstline train and firstline evaluate --train. In this process, so that a training can be told how it went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer.testing

from kb.export import DEFAULT_MODEL
from kb.snapshot import open_current
from tests.conftest import Write
from tests.training import ARTICLES, CHANCE, WORSE, Trainer, install, small
from tests.web.test_cli import firstline as run
from web.cli import app

NAME = f"{DEFAULT_MODEL}-trained"
TRAINED = f"Trained {DEFAULT_MODEL} on 85 questions of 25 articles in 62 s."


@pytest.fixture
def trainer(write: Write, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder_folder: Path) -> Trainer:
    monkeypatch.chdir(tmp_path)
    write(ARTICLES)
    (tmp_path / "e" / "encoders").mkdir(parents=True)
    return install(monkeypatch, small(encoder_folder), data, tmp_path / "e")


def firstline(*words: str | Path, code: int = 0) -> Any:
    done = typer.testing.CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code == code, done.output
    return done


def encoder(data: Path) -> str:
    return open_current(data).encoders[0].embedder.name


def test_train_publishes_an_encoder_that_is_better(trainer: Trainer, data: Path) -> None:
    firstline("index", "--data", data)
    done = firstline("train", "--data", data)
    assert done.stdout.splitlines() == [
        TRAINED,
        "Of 15 other questions the right article came first for 40.0% before and for 80.0% after.",
        "The change of +40.0% (95 % interval +13.3% to +60.0%) is more than chance. "
        "The trained encoder is used from now on.",
        f"Snapshot {open_current(data).id}",
    ]
    assert encoder(data) == NAME
    assert "Nothing changed" in firstline("index", "--data", data).stdout


@pytest.mark.parametrize(
    ("report", "verdict"),
    [
        (
            CHANCE,
            "The change of +6.7% (95 % interval -13.3% to +26.7%) may be chance. The encoder in use stays as it is.",
        ),
        (
            WORSE,
            "The change of -40.0% (95 % interval -66.7% to -20.0%) makes it worse. The encoder in use stays as it is.",
        ),
    ],
)
def test_train_says_so_where_it_is_not_better(trainer: Trainer, data: Path, report: Any, verdict: str) -> None:
    firstline("index", "--data", data)
    snapshot = open_current(data).id
    trainer.report = report
    assert firstline("train", "--data", data).stdout.splitlines()[2:] == [verdict, f"Snapshot {snapshot}"]
    printed = json.loads(firstline("train", "--data", data, "--json").stdout)
    assert (printed["published"], printed["snapshot"], printed["seconds"]) == (False, snapshot, 61.5)
    assert encoder(data) == DEFAULT_MODEL
    assert len(trainer.given) == 1


def test_train_reads_what_was_learned(trainer: Trainer, data: Path, tmp_path: Path) -> None:
    firstline("index", "--data", data)
    tickets = tmp_path / "tickets.jsonl"
    tickets.write_text('{"id": 1, "query": "no sound", "body": "since monday", "relevant": ["article-03"]}\n')
    firstline("learn", tickets, "--data", data)
    firstline("train", "--data", data)
    assert trainer.given[0][0][-1] == "no sound\nsince monday"


def test_forget_goes_back_to_the_encoder_as_it_was(trainer: Trainer, data: Path) -> None:
    firstline("index", "--data", data)
    snapshot = open_current(data).id
    firstline("train", "--data", data)
    assert firstline("train", "--forget", "--data", data).stdout.splitlines() == [
        f"The trained encoder was removed: {DEFAULT_MODEL} is used as it was before any training.",
        f"Snapshot {snapshot}",
    ]
    assert encoder(data) == DEFAULT_MODEL
    done = firstline("train", "--forget", "--data", data, "--json")
    assert json.loads(done.stdout) == {"model": DEFAULT_MODEL, "forgotten": False, "snapshot": snapshot}


def test_train_does_not_publish_articles_that_were_not_indexed(trainer: Trainer, data: Path, tmp_path: Path) -> None:
    firstline("index", "--data", data)
    snapshot = open_current(data).id
    (tmp_path / "articles" / "en" / "article-00.md").write_text("# Another subject\n")
    done = firstline("train", "--data", data, code=2)
    assert done.stderr.splitlines() == [
        f"firstline: articles is not what the snapshot {snapshot} was made of: it changed since, or it is another "
        f"folder. Index it first: firstline index articles --data {data}"
    ]
    assert trainer.given == []


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (
            {"FIRSTLINE_MODEL": DEFAULT_MODEL},
            "firstline: Too little to train on: 4 different questions, 96 fewer than the 100 it takes; 1 articles",
        ),
        ({}, "firstline: fake-words has no weights that could be trained. Set another model and index the articles."),
    ],
)
def test_what_cannot_be_trained_is_said_with_exit_code_2(
    write: Write, tmp_path: Path, environment: dict[str, str], message: str
) -> None:
    write(dict(list(ARTICLES.items())[:1]))
    run("index", "--data", "data", cwd=tmp_path)
    done = run("train", "--data", "data", cwd=tmp_path, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith(message)


def test_evaluate_says_which_encoder_it_asks(trainer: Trainer, tmp_path: Path) -> None:
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"id": 1, "query": "cannot hear", "relevant": ["article-03"]}\n')
    words = ("evaluate", "--articles", "articles", "--queries", queries, "--train", "--data", "e")
    done = firstline(*words)
    assert done.stderr.splitlines()[-2].startswith("firstline: Of 15 other questions")
    assert done.stderr.splitlines()[-1].endswith(" is more than chance. Asking it.")
    trainer.report = WORSE
    (tmp_path / "articles" / "en" / "article-25.md").write_text("# Another subject\n")
    done = firstline(*words, "--json")
    assert done.stderr.splitlines()[-1].endswith(" makes it worse. Asking the encoder as it was.")
    printed = json.loads(done.stdout)
    assert (printed["queries"], printed["train"]["gain"], printed["train"]["published"]) == (1, -0.4, False)
