"""Two builders at once, as real processes, over one folder and over one database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.shared.snapshots import SqlPlace
from kb.place import FolderPlace, Place
from kb.snapshot import open_snapshot
from tests.bot.samples import NOON
from tests.conftest import PROJECT, Write

_BUILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from bot.database import open_engine
from bot.shared.snapshots import SqlPlace
from kb.build import BuildSettings, build

source, data, url = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
now = lambda: datetime.now(UTC)
print("ready", flush=True)
for number in sys.stdin:
    (source / "counted.md").write_text(f"# Counted\\n\\nFor the {number.strip()}th time.\\n")
    place = SqlPlace(open_engine(url), data, now) if url else None
    done = build(source, data, BuildSettings(model="fake-words"), created=now().isoformat(), place=place)
    print(done.snapshot, flush=True)
"""


def _builder(source: Path, data: Path, url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _BUILD, str(source), str(data), url]
    return subprocess.Popen(command, cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@pytest.mark.parametrize("kind", ["folder", "database"])
def test_builders_at_once_leave_whole_snapshots_and_one_order_of_them(
    write: Write, tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    sources = [write({f"{name}/a.md": f"# Of {name}\n\nText.\n"}) / name for name in ("x", "y")]
    data = [tmp_path / "data", tmp_path / ("data" if kind == "folder" else "other")]
    place: Place = FolderPlace(data[0])
    url = ""
    if kind == "database":
        engine: sa.Engine = request.getfixturevalue("postgres_engine")
        url = engine.url.render_as_string(hide_password=False)
        place = SqlPlace(engine, tmp_path / "server", lambda: NOON)
        (tmp_path / "server").mkdir()
    builders = [_builder(source, folder, url) for source, folder in zip(sources, data, strict=True)]
    made: list[list[str]] = [[], []]
    for builder in builders:
        assert builder.stdout is not None
        assert builder.stdout.readline() == "ready\n"
    for number in range(3):
        for builder in builders:
            assert builder.stdin is not None
            builder.stdin.write(f"{number}\n")
            builder.stdin.flush()
        for builder, ids in zip(builders, made, strict=True):
            assert builder.stdout is not None
            ids.append(builder.stdout.readline().strip())
        in_use, order = place.wanted()[0], place.published()
        assert order[-1] == in_use
        assert {made[0][-1], made[1][-1]} == set(order[-2:])
        opened = [open_snapshot(place.fetch(snapshot_id)) for snapshot_id in order]
        assert [snapshot.id for snapshot in opened] == list(order)
    for builder in builders:
        assert builder.communicate(timeout=30)[0] == ""
        assert builder.returncode == 0
    assert len({*made[0], *made[1]}) == 6
