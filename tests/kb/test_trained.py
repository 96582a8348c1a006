"""Trained encoders: published only where better, atomically, and given up again."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

import kb.trained
from kb.build import BuildReport, BuildSettings, build
from kb.embedding import HashEmbedder
from kb.errors import DataFolderError, EncoderError, SourceError, TrainingDataError
from kb.export import CARD_FILE, DEFAULT_MODEL, find
from kb.learned import LearnedQuestion
from kb.snapshot import Snapshot, open_current
from kb.train import TrainReport
from kb.trained import Trained, current, fit, forget, publish, remove_others
from tests.conftest import CREATED, Write
from tests.training import ARTICLES, BETTER, CHANCE, TRAINED, WORSE, Trainer, install, small

MEND = "Train it again with firstline train, or go back to the encoder as it was with firstline train --forget."


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch, encoder_folder: Path, data: Path) -> Trainer:
    return install(monkeypatch, small(encoder_folder), data)


@pytest.fixture
def source(write: Write) -> Path:
    return write(ARTICLES)


def rebuild(source: Path, data: Path) -> BuildReport:
    return build(source, data, BuildSettings(DEFAULT_MODEL), created=CREATED)


@pytest.fixture
def snapshot(trainer: Trainer, source: Path, data: Path) -> Snapshot:
    rebuild(source, data)
    return open_current(data)


def trained(snapshot: Snapshot, data: Path, *learned: LearnedQuestion) -> Trained:
    return fit(data, DEFAULT_MODEL, snapshot, learned)


def encoders(data: Path) -> list[tuple[str, tuple[str, ...]]]:
    return [(encoded.embedder.name, encoded.embedder.languages) for encoded in open_current(data).encoders]


def left(data: Path) -> set[str]:
    """What stands below the folder of trained encoders."""
    folder = data / "trained"
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


# --- training ------------------------------------------------------------------------------------------------------


def test_a_training_reads_author_questions_learned_ones_titles_and_text(
    snapshot: Snapshot, data: Path, trainer: Trainer
) -> None:
    ticket = LearnedQuestion("1", "article-03", "no sound", "since monday")
    trained(snapshot, data, ticket, LearnedQuestion("2", "gone", "lunch"))
    [(questions, passages)] = trainer.given
    assert len(questions) == 101
    assert questions[:4] == ["how a 0", "how b 0", "how c 0", "how d 0"]
    assert questions[-1] == "no sound\nsince monday"
    assert passages[:2] == ["Subject 0", "Subject 0\nText 0."]
    assert len(passages) == 50


def test_what_will_be_asked_is_never_trained_on(snapshot: Snapshot, data: Path, trainer: Trainer) -> None:
    tickets = [LearnedQuestion(str(n), "article-03", f"ticket {n}") for n in range(3)]
    fit(data, DEFAULT_MODEL, snapshot, tickets, never=["How A  0", "Ticket 1"])
    [(questions, _)] = trainer.given
    assert len(questions) == 101
    assert {"how a 0", "ticket 1"}.isdisjoint(questions)


def test_a_training_keeps_its_encoder_where_it_is_better(snapshot: Snapshot, data: Path) -> None:
    made = trained(snapshot, data)
    assert made.encoder == data / "trained" / DEFAULT_MODEL / made.version / "encoder"
    found = find(str(made.encoder))
    assert (found.name, found.languages) == (TRAINED, ("en",))
    assert made.figures == {
        "model": DEFAULT_MODEL,
        "questions": 85,
        "articles": 25,
        "passages": 50,
        "held_out": 15,
        "hit@1_before": 0.4,
        "hit@1_after": 0.8,
        "gain": 0.4,
        "interval": [round(limit, 4) for limit in BETTER.interval],
        "epochs": 4,
        "best_epoch": 4,
        "seconds": 61.5,
        "published": True,
    }


@pytest.mark.parametrize("report", [CHANCE, WORSE])
def test_an_encoder_that_is_not_better_is_not_kept(
    snapshot: Snapshot, data: Path, trainer: Trainer, report: TrainReport
) -> None:
    trainer.report = report
    made = trained(snapshot, data)
    assert (made.encoder, made.report, made.figures["published"]) == (None, report, False)
    assert left(data) == {DEFAULT_MODEL, *(f"{DEFAULT_MODEL}/{made.version}{end}" for end in ("", "/report.json"))}
    with pytest.raises(ValueError, match="has no encoder to publish"), publish(data, made):
        pass


@pytest.mark.parametrize("report", [BETTER, CHANCE])
def test_the_same_training_is_done_once(snapshot: Snapshot, data: Path, trainer: Trainer, report: TrainReport) -> None:
    trainer.report = report
    made = trained(snapshot, data)
    assert trained(snapshot, data) == made
    assert len(trainer.given) == 1
    more = trained(snapshot, data, LearnedQuestion("1", "article-03", "no sound"))
    assert more.version != made.version
    assert len(trainer.given) == 2


def test_a_training_whose_files_were_damaged_is_done_again(snapshot: Snapshot, data: Path, trainer: Trainer) -> None:
    made = trained(snapshot, data)
    assert made.encoder
    weights = made.encoder / "model.safetensors"
    whole = weights.read_bytes()
    for damage in (lambda: weights.write_text("half"), weights.unlink, (made.encoder.parent / "report.json").unlink):
        damage()
        assert trained(snapshot, data) == made
        assert weights.read_bytes() == whole
    assert len(trainer.given) == 4


def test_too_few_questions_says_how_many_are_missing_and_changes_nothing(
    write: Write, index: object, data: Path, trainer: Trainer
) -> None:
    rebuild(write(dict(list(ARTICLES.items())[:10])), data)
    with pytest.raises(TrainingDataError) as caught:
        trained(open_current(data), data)
    assert str(caught.value) == (
        "Too little to train on: 40 different questions, 60 fewer than the 100 it takes; 10 articles with two "
        "questions or more, 10 fewer than the 20 it takes. Add questions to the articles' front matter, or learn from "
        "solved tickets first. Nothing was changed."
    )
    assert (trainer.given, left(data)) == ([], set())


def test_the_fake_encoder_cannot_be_trained(snapshot: Snapshot, data: Path) -> None:
    with pytest.raises(EncoderError, match=r"^fake-words has no weights that could be trained\."):
        fit(data, HashEmbedder.NAME, snapshot, [])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_a_training_that_is_interrupted_or_finds_the_disk_full_leaves_the_encoder_in_use(
    snapshot: Snapshot, source: Path, data: Path, trainer: Trainer, error: BaseException
) -> None:
    with publish(data, trained(snapshot, data)):
        rebuild(source, data)
    before = left(data)
    trainer.fails_with = error
    with pytest.raises((KeyboardInterrupt, DataFolderError)) as caught:
        trained(snapshot, data, LearnedQuestion("1", "article-03", "no sound"))
    if isinstance(error, OSError):
        assert "cannot be written: No space left on device. It has to be in a folder" in str(caught.value)
    assert left(data) == before
    assert not rebuild(source, data).changed


# --- publishing ----------------------------------------------------------------------------------------------------


def test_a_published_encoder_is_built_with_from_then_on_and_reads_the_same_languages(
    snapshot: Snapshot, source: Path, data: Path
) -> None:
    assert current(data, DEFAULT_MODEL) is None
    made = trained(snapshot, data)
    assert encoders(data) == [(DEFAULT_MODEL, ("en",))]
    with publish(data, made):
        rebuild(source, data)
    assert current(data, DEFAULT_MODEL) == made.encoder
    assert encoders(data) == [(TRAINED, ("en",))]
    (source / "en" / "article-00.md").write_text("# Another subject\n")
    assert rebuild(source, data).changed
    assert encoders(data) == [(TRAINED, ("en",))]


def test_the_automatic_choice_of_encoders_uses_the_trained_one(snapshot: Snapshot, source: Path, data: Path) -> None:
    with publish(data, trained(snapshot, data)):
        build(source, data, BuildSettings(), created=CREATED)
    assert encoders(data) == [(TRAINED, ("en",))]


def test_a_build_that_fails_takes_the_publication_back(snapshot: Snapshot, source: Path, data: Path) -> None:
    first = trained(snapshot, data)
    with pytest.raises(KeyboardInterrupt), publish(data, first):
        raise KeyboardInterrupt
    assert current(data, DEFAULT_MODEL) is None
    with publish(data, first):
        rebuild(source, data)
    second = trained(snapshot, data, LearnedQuestion("1", "article-03", "no sound"))
    with pytest.raises(SourceError), publish(data, second):
        rebuild(data / "no articles", data)
    assert current(data, DEFAULT_MODEL) == first.encoder


def test_encoders_that_are_not_in_use_are_removed(snapshot: Snapshot, source: Path, data: Path) -> None:
    first = trained(snapshot, data)
    with publish(data, first):
        rebuild(source, data)
    cache = data / "cache" / "encoders"
    exports = set(cache.glob(f"{TRAINED}-*"))
    second = trained(snapshot, data, LearnedQuestion("1", "article-03", "no sound"))
    with publish(data, second):
        rebuild(source, data)
    remove_others(data, DEFAULT_MODEL)
    assert (first.encoder and first.encoder.exists()) is False
    assert current(data, DEFAULT_MODEL) == second.encoder
    assert len(exports) == len(set(cache.glob(f"{TRAINED}-*")) - exports) == len(set(cache.glob(f"{TRAINED}-*"))) == 1


def test_a_pointer_that_cannot_be_written_is_told(
    snapshot: Snapshot, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = trained(snapshot, data)

    def full(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(source))

    monkeypatch.setattr(kb.trained.os, "replace", full)
    with pytest.raises(DataFolderError, match=r"The encoder in use stays as it is\.$"), publish(data, made):
        pytest.fail("nothing is to be built")
    assert current(data, DEFAULT_MODEL) is None


def test_a_trained_encoder_that_is_forgotten_makes_room_for_the_one_it_was_made_of(
    snapshot: Snapshot, source: Path, data: Path
) -> None:
    with publish(data, trained(snapshot, data)):
        rebuild(source, data)
    with pytest.raises(KeyboardInterrupt), forget(data, DEFAULT_MODEL):
        raise KeyboardInterrupt
    assert current(data, DEFAULT_MODEL) is not None
    with forget(data, DEFAULT_MODEL) as used:
        assert rebuild(source, data).snapshot == snapshot.id
    assert (used, left(data), list((data / "cache" / "encoders").glob(f"{TRAINED}-*"))) == (True, set(), [])
    assert encoders(data) == [(DEFAULT_MODEL, ("en",))]
    with forget(data, DEFAULT_MODEL) as used:
        pass
    assert used is False


# --- damage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("model.safetensors", "x", "the trained encoder {name} in {folder} is damaged: model.safetensors was changed."),
        ("model.safetensors", "", "the trained encoder {name} in {folder} is damaged: model.safetensors is missing."),
        ("modules.json", "", "the trained encoder of {base} is damaged: {folder} holds no modules.json."),
        (CARD_FILE, "[]", "the trained encoder in {folder} is damaged: firstline.json cannot be read (list indices"),
        ("../../current", "x", "the trained encoder of {base} is damaged: {parent}/x/encoder holds no modules.json."),
        ("../../current", " ", "the trained encoder of {base} is damaged: {parent}/encoder holds no modules.json."),
    ],
)
def test_a_damaged_trained_encoder_is_refused_by_name_and_can_be_forgotten(
    snapshot: Snapshot, source: Path, data: Path, file: str, text: str, message: str
) -> None:
    made = trained(snapshot, data)
    assert made.encoder
    with publish(data, made):
        served = rebuild(source, data).snapshot
    if text:
        (made.encoder / file).write_text(text)
    else:
        (made.encoder / file).unlink()
    (source / "en" / "article-00.md").write_text("# Another subject\n")
    with pytest.raises(EncoderError) as caught:
        rebuild(source, data)
    folders = {"folder": made.encoder, "parent": made.encoder.parent.parent}
    assert str(caught.value).startswith(message.format(name=TRAINED, base=DEFAULT_MODEL, **folders))
    assert str(caught.value).endswith(MEND)
    assert open_current(data).id == served
    with forget(data, DEFAULT_MODEL) as used:
        rebuild(source, data)
    assert used
    assert encoders(data) == [(DEFAULT_MODEL, ("en",))]


def test_folders_of_one_name_have_trained_encoders_of_their_own(data: Path, tmp_path: Path) -> None:
    ours = {kb.trained._folder(data, str(tmp_path / parent / "model")) for parent in "ab"}
    assert len(ours) == 2
    assert all(folder.parent == data / "trained" and folder.name.startswith("model-") for folder in ours)
