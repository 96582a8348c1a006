"""Training without its cost: a base that is large enough to train on, and a training that only says how it went."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

import kb.export
import kb.trained
from kb.build import BuildSettings, build
from kb.corpus import Example
from kb.embedding import GRAPH_FILE, TOKENIZER_FILE, EncoderSpec
from kb.export import DEFAULT_MODEL, find
from kb.snapshot import snapshots_folder
from kb.train import TrainReport
from tests.built import CREATED, kept

#: 25 articles of four author questions each.
ARTICLES = {
    f"en/article-{n:02}.md": (
        f"---\ntitle: Subject {n}\nquestions: [how a {n}, how b {n}, how c {n}, how d {n}]\n---\nText {n}.\n"
    )
    for n in range(25)
}
BETTER = TrainReport(
    questions=85,
    articles=25,
    passages=50,
    held_out=tuple(range(15)),
    hits_before=(True,) * 6 + (False,) * 9,
    hits_after=(True,) * 12 + (False,) * 3,
    epochs=4,
    best_epoch=4,
    seconds=61.5,
)
CHANCE = replace(BETTER, hits_after=(True,) * 5 + (False,) * 8 + (True,) * 2)
WORSE = replace(BETTER, hits_after=(False,) * 15)

#: What a training was given: (texts of the examples, texts of the passages).
Given = tuple[list[str], list[str]]


class Trainer:
    """Stands for `kb.train.fine_tune`: writes what it was given in place of weights, and reports what it is told to."""

    def __init__(self) -> None:
        self.report = BETTER
        self.given: list[Given] = []
        self.fails_with: BaseException | None = None

    def __call__(
        self,
        folder: Path,
        examples: Sequence[Example],
        passages: Sequence[tuple[str, str]],
        target: Path,
        *,
        progress: Callable[[str, int, int], None],
    ) -> TrainReport:
        progress("Training", 1, 1)
        self.given.append(([example.text for example in examples], [text for _, text in passages]))
        if self.report.best_epoch:
            target.mkdir()
            shutil.copyfile(folder / "modules.json", target / "modules.json")
            (target / "model.safetensors").write_text(repr(self.given[-1]))
        if self.fails_with:
            raise self.fails_with
        return self.report


def install(monkeypatch: pytest.MonkeyPatch, encoder_folder: Path, *data: Path) -> Trainer:
    """Has trainings done by a Trainer, and exports copied from the real one, which stands in the caches of `data`.

    The snapshot of ARTICLES stands there too, but is not in use: the first build finds it made.
    """

    def copy(folder: Path, target: Path, *, name: str, languages: tuple[str, ...], weights_sha256: str) -> None:
        for file in (GRAPH_FILE, TOKENIZER_FILE):
            (target / file).symlink_to(encoder_folder / file)
        spec = EncoderSpec.read(encoder_folder)
        replace(spec, name=name, languages=languages, weights_sha256=weights_sha256).write(target)

    trainer = Trainer()
    monkeypatch.setattr(kb.trained, "fine_tune", trainer)
    monkeypatch.setattr(kb.export, "export", copy)
    for folder in data:
        cache = folder / "encoders" if (folder / "encoders").exists() else folder / "cache" / "encoders"
        cache.mkdir(parents=True, exist_ok=True)
        (cache / encoder_folder.name).symlink_to(encoder_folder, target_is_directory=True)
        shutil.copytree(snapshots_folder(_indexed(encoder_folder)), snapshots_folder(folder))
    return trainer


@cache
def _indexed(encoder_folder: Path) -> Path:
    """A data folder with ARTICLES indexed by the real encoder, once a process: 1.5 s."""
    folder = kept() / "training"
    for name, text in ARTICLES.items():
        path = folder / "articles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    encoders = folder / "data" / "cache" / "encoders"
    encoders.mkdir(parents=True)
    (encoders / encoder_folder.name).symlink_to(encoder_folder, target_is_directory=True)
    build(folder / "articles", folder / "data", BuildSettings(DEFAULT_MODEL), created=CREATED)
    return folder / "data"


@cache
def shallow() -> Path:
    """The real model with one layer of six left, as a sentence-transformers folder: exported in a third of the time."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(find(DEFAULT_MODEL).unpack()), device="cpu")
    transformer = model[0].auto_model
    transformer.encoder.layer = transformer.encoder.layer[:1]
    transformer.config.num_hidden_layers = 1
    folder = kept() / "shallow"
    model.save(str(folder))
    return folder
