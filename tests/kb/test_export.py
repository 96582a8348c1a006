from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import kb.export
from kb.embedding import (
    GRAPH_FILE,
    SPEC_FILE,
    TOKENIZER_FILE,
    EncoderSpec,
    HashEmbedder,
    OnnxEmbedder,
    open_encoder,
    sha256_of,
)
from kb.errors import EncoderError
from kb.export import FLOAT_GRAPH_FILE, KNOWN, RECIPE, KnownModel, export, find, prepare, weights_file
from tests.training import shallow


def test_the_fake_encoder_needs_only_its_description(tmp_path: Path) -> None:
    folder = prepare(HashEmbedder.NAME, tmp_path / "encoders")
    assert [path.name for path in folder.iterdir()] == [SPEC_FILE]
    assert open_encoder(folder).fingerprint == HashEmbedder().fingerprint


def test_an_encoder_that_was_exported_is_not_exported_again(encoder_folder: Path) -> None:
    steps: list[str] = []
    assert prepare("all-MiniLM-L6-v2", encoder_folder.parent, steps.append) == encoder_folder
    assert steps == []


def test_the_known_model_is_found_with_its_languages() -> None:
    source = find("all-MiniLM-L6-v2")
    assert (weights_file(source.unpack()).name, source.languages) == ("model.safetensors", ("en",))


def test_an_unknown_model_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(EncoderError) as caught:
        prepare("no-such-model", tmp_path)
    assert str(caught.value) == (
        "'no-such-model' is no known model and no sentence-transformers folder. Known: all-MiniLM-L6-v2, "
        "multilingual-e5-small; or give the path of a folder that holds a modules.json."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KNOWN, "x", KnownModel("no-such-package-anywhere", "model", ""))
    with pytest.raises(
        EncoderError, match=r"the package no-such-package-anywhere, which carries x, is not installed\."
    ):
        find("x")


def test_weights_that_are_not_the_published_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    known = KNOWN["all-MiniLM-L6-v2"]
    monkeypatch.setitem(KNOWN, "all-MiniLM-L6-v2", KnownModel(known.package, known.folder, "0" * 64))
    with pytest.raises(EncoderError, match=r"have the SHA-256 53aa51172d142c89…, expected 0000000000000000…\."):
        find("all-MiniLM-L6-v2")


def test_a_folder_of_ones_own_is_found_and_is_for_all_languages(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("[]")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    source = find(str(tmp_path))
    assert (source.unpack(), source.languages) == (tmp_path, ())
    assert source.weights_sha256 == "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"


def test_a_folder_without_weights_is_told(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("[]")
    with pytest.raises(EncoderError) as caught:
        prepare(str(tmp_path), tmp_path / "cache")
    assert str(caught.value) == f"{tmp_path} holds no model.safetensors."


def test_weights_in_the_older_layout_are_found(tmp_path: Path) -> None:
    (tmp_path / "0_Transformer").mkdir()
    (tmp_path / "0_Transformer" / "pytorch_model.bin").write_bytes(b"")
    assert weights_file(tmp_path) == tmp_path / "0_Transformer" / "pytorch_model.bin"


@pytest.mark.filterwarnings("ignore")
def test_a_model_that_takes_the_first_token_instead_of_the_mean_is_refused(tmp_path: Path) -> None:
    source = find("all-MiniLM-L6-v2").unpack()
    copy, made = tmp_path / "copy", tmp_path / "made"
    for path in source.rglob("*"):
        if path.is_file():
            (copy / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            (copy / path.relative_to(source)).symlink_to(path)
    config = copy / "1_Pooling" / "config.json"
    values = json.loads(config.read_text())
    config.unlink()
    config.write_text(json.dumps({**values, "pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}))
    made.mkdir()
    with pytest.raises(EncoderError) as caught:
        export(copy, made, name="x", languages=(), weights_sha256="")
    assert str(caught.value) == (
        f"{copy} is made of Transformer, Pooling, Normalize; "
        "only Transformer, mean Pooling and Normalize can be exported."
    )
    assert list(made.iterdir()) == []


_TWENTY = [
    "VPN",
    "password",
    "0x80070005",
    "AADSTS50126: Error validating credentials",
    "How do I reset my password?",
    "Outlook keeps asking for my password although I typed it correctly",
    "Mój komputer się zawiesił",
    "Nie mogę wydrukować dokumentu na drukarce w biurze",
    "Il mio computer è lento",
    "Non riesco ad accedere alla posta elettronica dal telefono",
    "Mijn wachtwoord werkt niet meer",
    "De printer op de tweede verdieping doet het niet",
    "Компьютер завис",
    "Не могу подключиться к сети из дома, пишет ошибку",
    "パスワードを忘れました",
    "Straße, façade, naïve, Ångström",
    "One. Two! Three? (four) [five] {six} #7 @8 $9 %10",
    "Open the settings, choose the account and remove it. " * 4,
    "The laptop was dropped and the screen shows lines. " * 12,
    "Everything that is longer than the encoder reads is cut at the same place. " * 40,
]


@pytest.mark.filterwarnings("ignore")
def test_the_exported_graphs_agree_with_sentence_transformers(encoder_folder: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    expected = SentenceTransformer(str(find("all-MiniLM-L6-v2").unpack()), device="cpu").encode(
        _TWENTY, normalize_embeddings=True
    )
    (tmp_path / GRAPH_FILE).symlink_to(encoder_folder / FLOAT_GRAPH_FILE)
    for name in (TOKENIZER_FILE, SPEC_FILE):
        (tmp_path / name).symlink_to(encoder_folder / name)

    floats = OnnxEmbedder(tmp_path).embed_passages(_TWENTY)
    ints = OnnxEmbedder(encoder_folder).embed_passages(_TWENTY)

    assert len(set(_TWENTY)) == 20
    assert np.sum(expected * floats, axis=1).min() > 0.9999
    assert np.sum(floats * ints, axis=1).min() > 0.98


# --- the cache ---------------------------------------------------------------------------------------------------


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder_folder: Path) -> Path:
    """A cache of its own with one export; what is exported again is copied from the real one."""

    def copy(folder: Path, target: Path, **_: object) -> None:
        shutil.copytree(encoder_folder, target, dirs_exist_ok=True, copy_function=os.symlink)

    monkeypatch.setattr(kb.export, "export", copy)
    return prepare("all-MiniLM-L6-v2", tmp_path / "encoders")


def _spoil(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"something else")


@pytest.mark.parametrize("name", [GRAPH_FILE, TOKENIZER_FILE, SPEC_FILE])
@pytest.mark.parametrize("spoil", [_spoil, Path.unlink], ids=["changed", "removed"])
def test_a_cached_encoder_whose_files_were_changed_is_made_anew(cached: Path, name: str, spoil: object) -> None:
    assert callable(spoil)
    steps: list[str] = []
    spoil(cached / name)
    assert prepare("all-MiniLM-L6-v2", cached.parent, steps.append) == cached
    assert steps == ["The exported encoder all-MiniLM-L6-v2 was changed; exporting it again"]
    assert sha256_of(cached / GRAPH_FILE) == EncoderSpec.read(cached).graph_sha256
    assert [path.name for path in cached.parent.iterdir()] == [cached.name]
    assert open_encoder(cached).dimension == 384


def test_a_cached_encoder_that_gives_other_dimensions_than_it_says_is_refused_by_name(cached: Path) -> None:
    spec = EncoderSpec.read(cached)
    (cached / SPEC_FILE).unlink()
    replace(spec, dimension=96).write(cached)
    with pytest.raises(EncoderError) as caught:
        open_encoder(prepare("all-MiniLM-L6-v2", cached.parent))
    assert str(caught.value) == (
        f"the encoder all-MiniLM-L6-v2 in {cached} does not fit its encoder.json: its graph reads attention_mask, "
        "input_ids and gives 384 numbers, expected attention_mask, input_ids and 96. Delete the folder and build again."
    )


def test_an_export_that_fails_leaves_nothing_and_keeps_nothing_from_being_made(
    cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, target: Path, **_: object) -> None:
        (target / GRAPH_FILE).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    shutil.rmtree(cached)
    with monkeypatch.context() as patch:
        patch.setattr(kb.export, "export", full)
        with pytest.raises(OSError, match="No space left on device"):
            prepare("all-MiniLM-L6-v2", cached.parent)
    assert list(cached.parent.iterdir()) == []
    assert prepare("all-MiniLM-L6-v2", cached.parent) == cached


def test_what_killed_exports_left_goes_with_the_next_export(cached: Path) -> None:
    shutil.rmtree(cached)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = {f".export-{gone.pid}-x", ".export-6rj_ixde", f".export-{os.getpid()}-x"}
    for name in names:
        (cached.parent / name / "encoder").mkdir(parents=True)
    prepare("all-MiniLM-L6-v2", cached.parent)
    assert {path.name for path in cached.parent.iterdir()} == {cached.name, f".export-{os.getpid()}-x"}


# --- folders of one's own ----------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
def test_a_trained_folder_keeps_its_prompts(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    prompts = {"query": "question: ", "document": "article: "}
    SentenceTransformer(str(shallow()), device="cpu", prompts=prompts).save(str(tmp_path / "trained"))
    expected = SentenceTransformer(str(tmp_path / "trained"), device="cpu")

    folder = prepare(str(tmp_path / "trained"), tmp_path / "encoders")

    spec = EncoderSpec.read(folder)
    weights = sha256_of(tmp_path / "trained" / "model.safetensors")
    assert folder.name == f"trained-{weights[:12]}-{RECIPE}"
    assert (spec.name, spec.languages, spec.weights_sha256) == ("trained", (), weights)
    assert (spec.query_prefix, spec.passage_prefix) == ("question: ", "article: ")
    encoder, texts = open_encoder(folder), ["forgot my password", "the printer is out of paper"]
    assert (encoder.embed_queries(texts) * expected.encode_query(texts)).sum(1).min() > 0.98
    assert (encoder.embed_passages(texts) * expected.encode_document(texts)).sum(1).min() > 0.98
