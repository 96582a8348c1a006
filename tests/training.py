"""Training without its cost: a base that is large enough to train on, and a training that only says how it went."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

import kb.export
import kb.trained
from kb.build import BuildSettings, build
from kb.corpus import Example
from kb.embedding import GRAPH_FILE, TOKENIZER_FILE, EncoderSpec, sha256_of
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
#: How a trained encoder is called.
TRAINED = f"{DEFAULT_MODEL}-trained"
CHANCE = replace(BETTER, hits_after=(True,) * 5 + (False,) * 8 + (True,) * 2)
WORSE = replace(BETTER, hits_after=(False,) * 15)

_DIMENSION = 64

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
    """Has trainings done by a Trainer, and exports copied from `encoder_folder`, which stands in the caches of `data`.

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
def small(encoder_folder: Path) -> Path:
    """An export whose graph only adds up a random direction for each token, with the tokenizer and name of a real one.

    It is read by ONNX Runtime as any other, in a hundredth of the time: a build here asks its encoder 250 times.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    spec = EncoderSpec.read(encoder_folder)
    tokens = len(Tokenizer.from_file(str(encoder_folder / TOKENIZER_FILE)).get_vocab())
    directions = np.random.default_rng(0).normal(size=(tokens, _DIMENSION)).astype(np.float32)
    number = TensorProto.INT64
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["directions", "input_ids"], ["tokens"]),
            helper.make_node("Unsqueeze", ["attention_mask", "last"], ["column"]),
            helper.make_node("Cast", ["column"], ["mask"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["tokens", "mask"], ["read"]),
            helper.make_node("ReduceSum", ["read", "words"], ["sum"], keepdims=0),
            helper.make_node("LpNormalization", ["sum"], ["vector"], axis=1, p=2),
        ],
        "small",
        [helper.make_tensor_value_info(name, number, ["n", "m"]) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", _DIMENSION])],
        [
            numpy_helper.from_array(directions, "directions"),
            numpy_helper.from_array(np.array([2]), "last"),
            numpy_helper.from_array(np.array([1]), "words"),
        ],
    )
    folder = kept() / "small" / encoder_folder.name
    folder.mkdir(parents=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), folder / GRAPH_FILE)
    shutil.copyfile(encoder_folder / TOKENIZER_FILE, folder / TOKENIZER_FILE)
    made = replace(spec, dimension=_DIMENSION, unrelated=0.0, graph_sha256=sha256_of(folder / GRAPH_FILE))
    made.write(folder)
    return folder


@cache
def _indexed(encoder_folder: Path) -> Path:
    """A data folder with ARTICLES indexed by an encoder, once a process: 1.5 s with the real one."""
    folder = kept() / "training" / EncoderSpec.read(encoder_folder).fingerprint
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
