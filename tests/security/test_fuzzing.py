"""A few hostile requests to everything the server answers; `make fuzz` sends hundreds of times as many."""

from __future__ import annotations

from pathlib import Path

from tests.security.fuzzing import Findings, pages, programs, target


def test_no_request_makes_the_server_fail_or_answer_what_is_not_documented(tmp_path: Path) -> None:
    found = Findings()
    with target(tmp_path) as opened:
        programs(opened, 1, found, every=4)
        pages(opened, 1, found)
    assert found.wrong == {}
    assert found.requests > 200
