from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import EvaluationFileError
from kb.jsonl import read_objects


def _file(folder: Path, content: bytes | str) -> Path:
    path = folder / "queries.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_each_object_comes_with_the_line_it_stands_on_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    path = _file(tmp_path, '{"id": "1"}\n\n   \n{"id": "2", "query": "ż"}\n')
    assert list(read_objects(path, required=("id",))) == [(1, {"id": "1"}), (4, {"id": "2", "query": "ż"})]


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = _file(tmp_path, b'\xef\xbb\xbf{"id": 1}\r\n{"id": 2}\r\n')
    assert [row for _, row in read_objects(path, required=("id",))] == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{'id': 1}", "queries.jsonl:2: not valid JSON ("),
        ("[" * 100_000, "queries.jsonl:2: not valid JSON ("),
        (b"\xff", "queries.jsonl:2: not valid JSON ("),
        ('["id"]', "queries.jsonl:2: expected a JSON object, found list."),
        ('{"query": "a", "body": "b"}', "queries.jsonl:2: missing id; found the keys body, query."),
        ("{}", "queries.jsonl:2: missing id; found the keys none."),
        ('{"id": null}', "queries.jsonl:2: missing id; found the keys id."),
        ('{"id": "\\ud83d"}', "queries.jsonl:2: half of a character ('\\ud83d')."),
    ],
)
def test_a_broken_line_is_named_by_file_and_line(tmp_path: Path, line: str | bytes, message: str) -> None:
    raw = line if isinstance(line, bytes) else line.encode()
    path = _file(tmp_path, b'{"id": "1"}\n' + raw + b"\n")
    with pytest.raises(EvaluationFileError) as caught:
        list(read_objects(path, required=("id",)))
    assert str(caught.value).startswith(f"{tmp_path}/{message}")


def test_a_whole_character_written_as_two_escapes_is_read(tmp_path: Path) -> None:
    path = _file(tmp_path, '{"id": "\\ud83d\\ude00"}')
    assert list(read_objects(path, required=("id",))) == [(1, {"id": "😀"})]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationFileError, match=r"none\.jsonl: cannot be read \(No such file or directory\)\."):
        list(read_objects(tmp_path / "none.jsonl", required=()))


@given(
    st.lists(
        st.dictionaries(st.text("abc", max_size=3), st.none() | st.integers() | st.text("aż\n\u2028😀")), max_size=5
    )
)
def test_what_was_written_one_object_a_line_is_read_back(rows: list[dict[str, Any]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = _file(Path(folder), "".join(json.dumps(row) + "\n" for row in rows))
        assert list(read_objects(path, required=())) == list(enumerate(rows, 1))
