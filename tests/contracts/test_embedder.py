"""What every `Embedder` does, run over each of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.embedding import (
    GRAPH_FILE,
    SPEC_FILE,
    TOKENIZER_FILE,
    Embedder,
    EncoderSpec,
    HashEmbedder,
    OnnxEmbedder,
    open_encoder,
)
from kb.errors import EncoderError
from kb.languages import normalise

_TEXTS = [
    "password",
    "VPN",
    "0x80070005",
    "I forgot my password and cannot sign in",
    "the printer on the second floor prints blank pages since this morning",
    "Nie mogę się zalogować do poczty",
    "Сбросить пароль",
    "no\nnewline\tor  space   matters?",
    "",
    "Open the settings, choose the account and remove it. " * 30,
]


@pytest.fixture(params=["HashEmbedder", "encoder_folder", "multilingual_folder"], scope="module")
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    if request.param == "HashEmbedder":
        yield HashEmbedder()
    else:
        yield OnnxEmbedder(request.getfixturevalue(request.param))


def test_vectors_are_float32_rows_of_length_1(embedder: Embedder) -> None:
    for vectors in (embedder.embed_passages(_TEXTS), embedder.embed_queries(_TEXTS)):
        assert (vectors.shape, vectors.dtype) == ((len(_TEXTS), embedder.dimension), np.float32)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_no_text_gives_no_row(embedder: Embedder) -> None:
    assert embedder.embed_passages([]).shape == (0, embedder.dimension)
    assert embedder.embed_queries([]).shape == (0, embedder.dimension)


def test_the_same_texts_give_the_very_same_vectors(embedder: Embedder) -> None:
    np.testing.assert_array_equal(embedder.embed_passages(_TEXTS), embedder.embed_passages(_TEXTS))


def test_rows_stand_in_the_order_of_the_texts_whatever_their_lengths(embedder: Embedder) -> None:
    together = embedder.embed_passages(_TEXTS)
    alone = np.vstack([embedder.embed_passages([text]) for text in _TEXTS])
    assert np.argmax(together @ alone.T, axis=1).tolist() == list(range(len(_TEXTS)))
    # 8-bit graphs round by the largest value of a batch, so neighbours change the last digits.
    assert np.sum(together * alone, axis=1).min() > 0.97


def test_texts_about_one_thing_are_nearer_than_texts_about_two(embedder: Embedder) -> None:
    question = embedder.embed_queries(["forgot my password"])
    cosines = (question @ embedder.embed_passages(["Reset a forgotten password", "Join the guest Wi-Fi"]).T)[0]
    assert cosines[0] > cosines[1] + 0.05


def test_tokens_are_counted_without_the_marks_of_the_encoder(embedder: Embedder) -> None:
    assert [embedder.count_tokens(text) for text in ("", "password", "my password", "my  password\nis")] == [0, 1, 2, 3]


def test_what_is_longer_than_the_encoder_reads_is_cut_there(embedder: Embedder) -> None:
    whole = " ".join(["word"] * embedder.max_tokens)
    assert embedder.count_tokens(whole) == embedder.max_tokens
    vectors = embedder.embed_queries([whole, f"{whole} printer paper jam " * 3])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)


def test_the_last_word_that_fits_is_still_read(embedder: Embedder) -> None:
    most = "word " * (embedder.max_tokens - 1)
    vectors = embedder.embed_passages([f"{most}printer", f"{most}password"])
    assert np.array_equal(vectors[0], vectors[1]) is False


def test_a_short_common_word_is_known_and_a_typing_error_is_not(embedder: Embedder) -> None:
    assert (embedder.knows_word("the"), embedder.knows_word("passwrod")) == (True, False)


def test_the_fingerprint_is_sixteen_digits_and_the_same_each_time(embedder: Embedder) -> None:
    assert len(embedder.fingerprint) == 16
    assert int(embedder.fingerprint, 16).bit_length() <= 64
    assert embedder.fingerprint == embedder.fingerprint


def test_the_languages_it_is_made_for_are_codes_of_two_letters_none_of_them_twice(embedder: Embedder) -> None:
    assert [lang for lang in embedder.languages if normalise(lang) != lang] == []
    assert len(set(embedder.languages)) == len(embedder.languages)


#: No two of them share a word.
_UNRELATED = [
    "printer prints blank pages",
    "grandmother bakes bread on Sundays",
    "volcano erupted last century",
    "interest rates were raised",
    "he plays violin with an orchestra",
    "whales migrate along western coasts",
    "vaccinate your puppy twice",
    "Scottish castles open again this summer",
]


def test_texts_that_have_nothing_to_do_with_each_other_are_as_near_as_it_says(embedder: Embedder) -> None:
    cosines = embedder.embed_queries(_UNRELATED) @ embedder.embed_passages(_UNRELATED).T
    apart = cosines[~np.eye(len(_UNRELATED), dtype=bool)]
    assert 0.0 <= embedder.unrelated < 1.0
    assert float(apart.mean()) == pytest.approx(embedder.unrelated, abs=0.08)


@settings(max_examples=25)
@given(texts=st.lists(st.text(max_size=60), max_size=6))
def test_any_text_has_a_unit_vector_and_a_count(embedder: Embedder, texts: list[str]) -> None:
    texts = [text.encode(errors="replace").decode() for text in texts]
    vectors = embedder.embed_passages(texts)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), np.ones(len(texts)), atol=1e-5)
    assert [text for text in texts if not 0 <= embedder.count_tokens(text) <= 4 * len(text)] == []


# --- the exported encoder alone ----------------------------------------------------------------------------------


@pytest.fixture
def copied(encoder_folder: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "encoder"
    folder.mkdir()
    for name in (GRAPH_FILE, TOKENIZER_FILE):
        (folder / name).symlink_to(encoder_folder / name)
    shutil.copyfile(encoder_folder / SPEC_FILE, folder / SPEC_FILE)
    return folder


def test_a_prefix_counts_towards_what_is_read(copied: Path) -> None:
    without = OnnxEmbedder(copied).max_tokens
    replace(EncoderSpec.read(copied), passage_prefix="passage: ", query_prefix="q: ").write(copied)
    embedder = OnnxEmbedder(copied)
    assert without - embedder.max_tokens == embedder.count_tokens("passage: ") == 2
    passages, queries = embedder.embed_passages(["passage"]), embedder.embed_queries(["passage"])
    assert np.array_equal(passages, queries) is False


def test_the_fingerprint_changes_with_what_is_read_and_how_but_not_with_the_exported_file(copied: Path) -> None:
    spec = EncoderSpec.read(copied)
    assert replace(spec, graph_sha256="other", unrelated=0.5).fingerprint == spec.fingerprint
    others = [
        replace(spec, query_prefix="query: "),
        replace(spec, passage_prefix="passage: "),
        replace(spec, max_tokens=128),
        replace(spec, weights_sha256="other"),
        replace(spec, tokenizer_sha256="other"),
    ]
    assert len({spec.fingerprint, *(other.fingerprint for other in others)}) == 6


def test_open_encoder_gives_what_the_folder_holds(copied: Path, tmp_path: Path) -> None:
    HashEmbedder(dimension=32, max_tokens=16).spec.write(tmp_path)
    fake = open_encoder(tmp_path)
    assert (type(fake), fake.name, fake.dimension, fake.max_tokens) == (HashEmbedder, "fake-words", 32, 16)
    real = open_encoder(copied)
    assert (type(real), real.name, real.dimension, real.max_tokens) == (OnnxEmbedder, "all-MiniLM-L6-v2", 384, 254)


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"languages": 5}', '{"languages": [], "more": 1}'])
def test_a_folder_without_a_readable_description_holds_no_encoder(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / SPEC_FILE).write_text(content)
    with pytest.raises(EncoderError) as caught:
        open_encoder(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path} holds no exported encoder (")


@pytest.mark.parametrize("name", [GRAPH_FILE, TOKENIZER_FILE])
@pytest.mark.parametrize("content", [None, b"", b"{}"])
def test_a_damaged_graph_or_tokenizer_is_told(copied: Path, name: str, content: bytes | None) -> None:
    (copied / name).unlink()
    if content is not None:
        (copied / name).write_bytes(content)
    with pytest.raises(EncoderError) as caught:
        OnnxEmbedder(copied)
    assert str(caught.value).startswith(f"the encoder in {copied} cannot be opened: ")


def test_the_description_names_the_published_weights_and_the_files_beside_it(encoder_folder: Path) -> None:
    from kb.embedding import sha256_of

    spec = json.loads((encoder_folder / SPEC_FILE).read_text())
    assert spec["weights_sha256"] == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert spec["graph_sha256"] == sha256_of(encoder_folder / GRAPH_FILE)
    assert spec["tokenizer_sha256"] == sha256_of(encoder_folder / TOKENIZER_FILE)
    assert (spec["name"], spec["languages"], spec["kind"]) == ("all-MiniLM-L6-v2", ["en"], "onnx")
    assert (encoder_folder / GRAPH_FILE).stat().st_size < 30_000_000
