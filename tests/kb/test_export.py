from __future__ import annotations

import json
from pathlib import Path

import pytest

from kb.embedding import SPEC_FILE, HashEmbedder, open_encoder
from kb.errors import EncoderError
from kb.export import KNOWN, KnownModel, export, locate, prepare, weights_file


def test_the_fake_encoder_needs_only_its_description(tmp_path: Path) -> None:
    folder = prepare(HashEmbedder.NAME, tmp_path / "encoders")
    assert [path.name for path in folder.iterdir()] == [SPEC_FILE]
    assert open_encoder(folder).fingerprint == HashEmbedder().fingerprint


def test_an_encoder_that_was_exported_is_not_exported_again(encoder_folder: Path) -> None:
    steps: list[str] = []
    assert prepare("all-MiniLM-L6-v2", encoder_folder.parent, steps.append) == encoder_folder
    assert steps == []


def test_the_known_model_is_found_with_its_languages() -> None:
    folder, languages = locate("all-MiniLM-L6-v2")
    assert (weights_file(folder).name, languages) == ("model.safetensors", ("en",))


def test_an_unknown_model_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(EncoderError) as caught:
        prepare("no-such-model", tmp_path)
    assert str(caught.value) == (
        "'no-such-model' is no known model and no sentence-transformers folder. Known: all-MiniLM-L6-v2; "
        "or give the path of a folder that holds a modules.json."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KNOWN, "x", KnownModel("no-such-package-anywhere", "model", ""))
    with pytest.raises(
        EncoderError, match=r"the package no-such-package-anywhere, which carries x, is not installed\."
    ):
        locate("x")


def test_weights_that_are_not_the_published_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    known = KNOWN["all-MiniLM-L6-v2"]
    monkeypatch.setitem(KNOWN, "all-MiniLM-L6-v2", KnownModel(known.package, known.folder, "0" * 64))
    with pytest.raises(EncoderError, match=r"have the SHA-256 53aa51172d142c89…, expected 0000000000000000…\."):
        locate("all-MiniLM-L6-v2")


def test_a_folder_of_ones_own_is_found_and_is_for_all_languages(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("[]")
    assert locate(str(tmp_path)) == (tmp_path, ())


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
    source, _ = locate("all-MiniLM-L6-v2")
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
