from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kb.scratch import scratch


def test_a_scratch_folder_is_gone_afterwards_whatever_happens(tmp_path: Path) -> None:
    def make() -> None:
        with scratch(tmp_path, ".making-") as folder:
            (folder / "part").write_text("half")
            assert folder.parent == tmp_path
            assert folder.name.startswith(f".making-{os.getpid()}-")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        make()
    assert list(tmp_path.iterdir()) == []


def test_what_was_renamed_out_of_it_stays(tmp_path: Path) -> None:
    with scratch(tmp_path, ".making-") as folder:
        (folder / "whole").write_text("text")
        (folder / "whole").rename(tmp_path / "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]


def test_only_what_dead_processes_left_under_the_same_prefix_is_removed(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead = (f".making-{gone.pid}-x", ".making-x")
    kept = (f".making-{os.getpid()}-x", ".making-1-x", f".other-{gone.pid}-x")
    for name in (*dead, *kept):
        (tmp_path / name).mkdir()
    with scratch(tmp_path, ".making-"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == set(kept)
