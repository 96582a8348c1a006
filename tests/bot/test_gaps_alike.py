"""Gaps like another one, across languages."""

from __future__ import annotations

import numpy as np

from bot.gaps.alike import MOST, alike, centred
from bot.gaps.judge import shared_reader
from bot.gaps.memory import MemoryGapStore
from bot.gaps.models import Centre, Description, Failure, Step
from bot.service import HelpDesk
from kb.embedding import Vectors
from tests.bot.samples import NOON


def unit(*numbers: float) -> Vectors:
    vector = np.array(numbers, np.float32)
    return vector / np.linalg.norm(vector)


def store_of(desk: HelpDesk, meanings: dict[str, tuple[str, Vectors]]) -> MemoryGapStore:
    store, encoder = MemoryGapStore(), shared_reader(desk.library.searcher).fingerprint
    centres = tuple(Centre(gap_id, encoder, vector, 1) for gap_id, (_, vector) in meanings.items())
    homes = tuple((Failure(f"q{gap_id}", NOON, gap_id, unanswered=True), gap_id) for gap_id in meanings)
    store.save(Step(centres, homes=homes), 0)
    for gap_id, (lang, vector) in meanings.items():
        store.describe(gap_id, Description(gap_id, lang, "no_article", "", (), vector, encoder), "s1", 1)
    return store


def test_what_is_alike_is_found_both_ways_the_nearest_first_and_never_itself(small_desk: HelpDesk) -> None:
    store = store_of(
        small_desk,
        {
            "sauna": ("en", unit(1, 0, 0)),
            "la sauna": ("it", unit(1, 0.2, 0)),
            "steam bath": ("en", unit(1, 0.6, 0)),
            "egg": ("en", unit(0, 0, 1)),
        },
    )

    def found(gap_id: str) -> list[str]:
        return [gap.id for gap in alike(store, small_desk.library.searcher, store.get(gap_id, NOON), NOON)]

    assert found("sauna") == ["la sauna", "steam bath"]
    assert found("la sauna") == ["sauna", "steam bath"]
    assert found("egg") == []


def test_at_most_a_few_are_named(small_desk: HelpDesk) -> None:
    store = store_of(small_desk, {f"g{n}": ("en", unit(1, n / 100)) for n in range(9)})
    assert len(alike(store, small_desk.library.searcher, store.get("g0", NOON), NOON)) == MOST


def test_what_all_of_a_language_share_is_no_likeness() -> None:
    dice = np.random.default_rng(1)
    problems = dice.standard_normal((40, 16)).astype(np.float32)
    both = np.concatenate([problems, problems]) + np.repeat(4 * np.eye(2, 16, dtype=np.float32), 40, axis=0)
    both /= np.linalg.norm(both, axis=1, keepdims=True)
    langs = ["en"] * 40 + ["it"] * 40

    def nearest_is_in_the_other_language(vectors: Vectors) -> float:
        near = vectors @ vectors.T - 2 * np.eye(80)
        return float((near[:40].argmax(1) >= 40).mean())

    made = centred(both, langs)
    assert nearest_is_in_the_other_language(made) > 0.9 > 0.1 > nearest_is_in_the_other_language(both)
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    assert np.array_equal(centred(both[:4], langs[:4]), both[:4])
