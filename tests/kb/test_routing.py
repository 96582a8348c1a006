from __future__ import annotations

import pytest

from kb import e5
from kb.embedding import Embedder, HashEmbedder
from kb.export import DEFAULT_MODEL
from kb.routing import AUTO, models_for, readers


class Only(HashEmbedder):
    """A fake that is made for some languages."""

    def __init__(self, *languages: str) -> None:
        super().__init__()
        self.languages = languages


@pytest.mark.parametrize(
    ("languages", "models"),
    [
        (["en"], (DEFAULT_MODEL,)),
        (["en", "en"], (DEFAULT_MODEL,)),
        (["en", "pl"], (DEFAULT_MODEL, e5.NAME)),
        (["ru", "en", "it", "ru"], (DEFAULT_MODEL, e5.NAME)),
        (["pl"], (e5.NAME,)),
        (["zh", "th"], (e5.NAME,)),
    ],
)
def test_the_languages_of_the_articles_choose_the_encoders(languages: list[str], models: tuple[str, ...]) -> None:
    assert models_for(AUTO, languages) == models


@pytest.mark.parametrize("model", [DEFAULT_MODEL, e5.NAME, HashEmbedder.NAME, "/models/own"])
@pytest.mark.parametrize("languages", [["en"], ["pl"], ["en", "pl"]])
def test_a_model_that_was_named_is_the_only_one(model: str, languages: list[str]) -> None:
    assert models_for(model, languages) == (model,)


_ENGLISH, _NORDIC, _ALL = Only("en"), Only("da", "sv"), Only()


@pytest.mark.parametrize(
    ("embedders", "lang", "expected"),
    [
        ([_ENGLISH, _ALL], "en", (_ENGLISH, _ALL)),
        ([_ALL, _ENGLISH], "en", (_ENGLISH, _ALL)),
        ([_ENGLISH, _ALL], "pl", (_ALL,)),
        ([_ENGLISH, _ALL], "", (_ALL,)),
        ([_ENGLISH, _NORDIC, _ALL], "sv", (_NORDIC, _ALL)),
        ([_ALL], "en", (_ALL,)),
        ([_ENGLISH], "en", (_ENGLISH,)),
        ([_ENGLISH], "pl", (_ENGLISH,)),
        ([_ENGLISH, _NORDIC], "pl", (_ENGLISH, _NORDIC)),
        ([], "en", ()),
    ],
)
def test_a_language_is_read_by_those_made_for_it_first_then_by_those_made_for_all_else_by_whoever_is_there(
    embedders: list[Embedder], lang: str, expected: tuple[Embedder, ...]
) -> None:
    found = readers(embedders, lang)
    assert len(found) == len(expected)
    assert [a is b for a, b in zip(found, expected, strict=True)] == [True] * len(expected)
