from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import kb.trained
import tests.training
from kb import train
from kb.articles import load
from kb.build import BuildSettings, build
from kb.corpus import Example
from kb.embedding import sha256_of
from kb.errors import DataFolderError, TrainingDataError
from kb.export import DEFAULT_MODEL, weights_file
from kb.snapshot import open_current
from kb.train import TrainReport, fine_tune, neighbour_loss, same_article
from kb.trained import fit, publish
from tests.conftest import CREATED, PROJECT, Write
from tests.training import ARTICLES, BETTER, TRAINED, install, shallow

# torch warns about its own insides.
pytestmark = pytest.mark.filterwarnings("ignore")

REPORT = TrainReport(
    questions=90,
    articles=20,
    passages=20,
    held_out=(3, 5, 8, 9),
    hits_before=(True, False, False, False),
    hits_after=(True, True, True, False),
    epochs=3,
    best_epoch=2,
    seconds=1.0,
)

Train = Callable[[Path], TrainReport]

#: As few as may be trained on.
_ARTICLES = 20


def _own(count: int) -> tuple[list[Example], list[tuple[str, str]]]:
    """English questions and titles of our own articles: those without translations are asked for in others, too."""
    loaded = load(PROJECT / "articles").articles
    translated = {article.id for article in loaded if article.lang != "en"}
    articles = [article for article in loaded if article.lang == "en" and article.id in translated][:count]
    examples = [Example(question, article.id) for article in articles for question in article.questions]
    return examples, [(article.id, article.title) for article in articles]


@pytest.fixture(scope="module")
def small() -> Train:
    """A training of a few steps."""
    examples, passages = _own(_ARTICLES)
    source = shallow()
    return lambda target: fine_tune(source, examples, passages, target, epochs=1)


@pytest.fixture(scope="module")
def trained(small: Train, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainReport, Path]:
    target = tmp_path_factory.mktemp("trained") / "encoder"
    return small(target), target


def test_a_training_reports_what_it_did(trained: tuple[TrainReport, Path]) -> None:
    report, target = trained
    examples, _ = _own(_ARTICLES)
    assert (report.articles, report.passages, report.epochs) == (_ARTICLES, _ARTICLES, 1)
    assert report.questions + len(report.held_out) == len(examples)
    assert len(report.hits_before) == len(report.hits_after) == len(report.held_out)
    assert report.best_epoch == 1
    assert [path.name for path in target.parent.iterdir()] == ["encoder"]


def test_a_training_draws_the_questions_of_an_article_together(trained: tuple[TrainReport, Path]) -> None:
    from sentence_transformers import SentenceTransformer

    report, target = trained
    examples, _ = _own(_ARTICLES)
    chosen = [examples[position] for position in report.held_out]
    kept = [example for position, example in enumerate(examples) if position not in report.held_out]

    def contrast(folder: Path) -> float:
        model = SentenceTransformer(str(folder), device="cpu")
        near = model.encode([e.text for e in chosen]) @ model.encode([e.text for e in kept]).T
        own = np.array([[left.article == right.article for right in kept] for left in chosen])
        return float(near[own].mean() - near[~own].mean())

    assert contrast(target) > contrast(shallow())


def test_the_trained_encoder_is_exported_and_served_in_place_of_the_one_it_was_made_of(
    trained: tuple[TrainReport, Path], write: Write, data: Path, encoder_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sentence_transformers import SentenceTransformer

    _, target = trained

    def saved(_base: Path, _examples: object, _passages: object, into: Path, *, progress: object) -> TrainReport:
        shutil.copytree(target, into)
        return BETTER

    with monkeypatch.context() as patch:
        install(patch, tests.training.small(encoder_folder), data)
    monkeypatch.setattr(kb.trained, "fine_tune", saved)
    source, settings = write(ARTICLES), BuildSettings(DEFAULT_MODEL)
    build(source, data, settings, created=CREATED)
    before = open_current(data).encoders[0].embedder

    with publish(data, fit(data, DEFAULT_MODEL, open_current(data), [])):
        build(source, data, settings, created=CREATED)

    after = open_current(data).encoders[0].embedder
    assert (after.name, after.languages, after.dimension) == (TRAINED, ("en",), 384)
    assert (after.max_tokens, after.fingerprint == before.fingerprint) == (before.max_tokens, False)
    texts = ["I forgot my password", "The printer prints blank pages"]
    expected = SentenceTransformer(str(target), device="cpu").encode(texts)
    assert (after.embed_queries(texts) * expected).sum(axis=1).min() > 0.97


def test_the_same_seed_gives_the_same_weights(small: Train, trained: tuple[TrainReport, Path], tmp_path: Path) -> None:
    report, target = trained
    again = small(tmp_path / "again")
    assert replace(again, seconds=0) == replace(report, seconds=0)
    assert sha256_of(weights_file(tmp_path / "again")) == sha256_of(weights_file(target))


def test_too_little_to_train_on_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    examples, passages = _own(2)
    with pytest.raises(TrainingDataError, match=r"^Too little to train on: 14 different questions, 86 fewer than"):
        fine_tune(tmp_path / "no-such-encoder", examples, passages, tmp_path / "target")
    assert list(tmp_path.iterdir()) == []


def test_importing_the_module_loads_no_torch() -> None:
    code = "import sys, kb.train; print('torch' in sys.modules, 'sentence_transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True).stdout == (
        "False False\n"
    )


def test_a_training_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    examples, passages = _own(_ARTICLES)

    def interrupt(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("Training", 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fine_tune(shallow(), examples, passages, tmp_path / "target", progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_that_every_epoch_makes_worse_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples, passages = _own(_ARTICLES)
    monkeypatch.setattr(train, "_LEARNING_RATE", 0.1)
    report = fine_tune(shallow(), examples, passages, tmp_path / "target", epochs=1)
    assert (report.best_epoch, report.epochs, report.gain) == (0, 1, 0.0)
    assert list(tmp_path.iterdir()) == []


class _FullDisk:
    """A model that is half written when the disk is full."""

    def save(self, path: str, *, create_model_card: bool) -> None:  # noqa: ARG002
        Path(path).mkdir()
        (Path(path) / "modules.json").write_text("[]")
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataFolderError) as caught:
        train._write(_FullDisk(), tmp_path / "encoders" / "trained")
    assert str(caught.value) == (
        f"the trained encoder could not be written to {tmp_path}/encoders/trained: No space left on device. It has to "
        "be in a folder this user may write to, with room on its disk. The encoder in use stays as it is."
    )
    assert list((tmp_path / "encoders").iterdir()) == []


class _Saved:
    def save(self, path: str, *, create_model_card: bool) -> None:  # noqa: ARG002
        Path(path).mkdir()


def test_what_a_killed_training_left_is_removed_and_a_running_one_is_left_alone(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    (tmp_path / f".training-{child.pid}-x").mkdir()
    (tmp_path / f".training-{os.getppid()}-x").mkdir()
    train._write(_Saved(), tmp_path / "target")
    assert {path.name for path in tmp_path.iterdir()} == {f".training-{os.getppid()}-x", "target"}


def test_a_target_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    examples, passages = _own(_ARTICLES)
    with pytest.raises(DataFolderError, match=r" is there already\. Name a folder that is not\.$"):
        fine_tune(shallow(), examples, passages, tmp_path)


def test_texts_share_an_article_where_they_have_one_in_common() -> None:
    import torch

    left = torch.tensor([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    right = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert same_article(left, right).tolist() == [[True, False, False], [True, True, False]]


def test_texts_of_one_article_are_never_pushed_apart_and_those_of_others_are() -> None:
    import torch

    bank = torch.nn.functional.normalize(torch.tensor([[1.0, 0.0, 0.0], [0.9, 0.1, 0.3], [0.9, 0.2, 0.1]]), dim=1)
    bank.requires_grad_()
    positive = torch.tensor([[True, True, False]])
    itself = torch.tensor([[True, False, False]])
    neighbour_loss(bank[:1].detach(), bank, positive, itself).backward()
    along = (bank.grad[:, 0]).tolist()  # how the loss changes as a text moves towards the question
    assert along[0] == 0.0
    assert along[1] < 0.0
    assert along[2] > 0.0


def test_a_text_with_only_texts_of_its_article_around_it_learns_nothing() -> None:
    import torch

    bank = torch.eye(3, requires_grad=True)
    every = torch.ones(3, 3, dtype=torch.bool)
    assert neighbour_loss(bank, bank, every, torch.eye(3, dtype=torch.bool)).item() == 0.0


def test_a_batch_in_which_no_text_has_another_of_its_article_learns_nothing() -> None:
    import torch

    bank = torch.eye(3, requires_grad=True)
    alone = torch.eye(3, dtype=torch.bool)
    loss = neighbour_loss(bank, bank, alone, alone)
    loss.backward()
    assert loss.item() == 0.0
    assert bank.grad.abs().sum().item() == 0.0


def test_the_gain_comes_with_its_interval() -> None:
    assert REPORT.gain == 0.5
    assert REPORT.interval == (0.0, 1.0)
    unchanged = replace(REPORT, hits_after=REPORT.hits_before)
    assert (unchanged.gain, unchanged.interval) == (0.0, (0.0, 0.0))


def test_an_epoch_is_worse_only_where_the_difference_is_more_than_chance() -> None:
    best = np.array([1.0, 1.0, 0.5, 0.5])
    assert not train._behind(best, best)
    assert not train._behind(np.array([0.5, 1.0, 0.5, 1.0]), best)
    assert train._behind(best / 2, best)
