from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kb.vector_cache import VectorCache

_VECTORS = np.array([[0.1, -0.2, 3.5], [1.0, 0.0, np.float32(1e-30)]], np.float32)


def test_what_was_put_is_read_back_bit_for_bit_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "vectors.db"
    keys = [b"a" * 32, b"b" * 32]
    with VectorCache(path) as cache:
        cache.put(keys, _VECTORS)
    with VectorCache(path) as cache:
        held = [cache.get(key) for key in keys]
        assert cache.get(b"c" * 32) is None
    np.testing.assert_array_equal(np.stack([vector for vector in held if vector is not None]), _VECTORS)
    assert held[0] is not None
    assert held[0].dtype == np.float32


def test_a_key_tells_encoder_role_and_text_apart() -> None:
    parts = [("f", "query", "a"), ("f", "passage", "a"), ("g", "query", "a"), ("f", "query", "b"), ("f", "query", "")]
    assert len({VectorCache.key(*part) for part in parts}) == len(parts)
    assert VectorCache.key("f", "query", "ż") == VectorCache.key("f", "query", "ż")


def test_putting_a_key_again_replaces_its_vector(tmp_path: Path) -> None:
    with VectorCache(tmp_path / "v.db") as cache:
        cache.put([b"a"], _VECTORS[:1])
        cache.put([b"a"], _VECTORS[1:])
        np.testing.assert_array_equal(cache.get(b"a"), _VECTORS[1])


def test_a_put_is_there_for_another_reader_at_once(tmp_path: Path) -> None:
    with VectorCache(tmp_path / "v.db") as writer, VectorCache(tmp_path / "v.db") as reader:
        writer.put([b"a"], _VECTORS[:1])
        np.testing.assert_array_equal(reader.get(b"a"), _VECTORS[0])


def test_of_a_put_with_fewer_vectors_than_keys_nothing_stays(tmp_path: Path) -> None:
    with VectorCache(tmp_path / "v.db") as cache:
        with pytest.raises(ValueError, match=r"zip\(\) argument 2 is shorter than argument 1"):
            cache.put([b"a", b"b", b"c"], _VECTORS)
        assert cache.get(b"a") is None
