"""Small article folders, indexed with the fake encoder (shared words) and asked."""

from __future__ import annotations

from pathlib import Path

from kb.build import BuildSettings, make
from kb.embedding import HashEmbedder
from kb.expect import Run, run
from kb.snapshot import open_snapshot
from tests.conftest import CREATED

VPN = "---\nid: vpn\ntitle: Connect the vpn tunnel\nquestions:\n  - vpn tunnel does not connect\n---\nStart the vpn tunnel.\n"
MAIL = "---\nid: mail\ntitle: Mailbox is full\nquestions:\n  - my mailbox is full\n---\nEmpty the mailbox.\n"


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def asked(source: Path, data: Path, k: int = 1) -> Run:
    report = make(source, data, BuildSettings(model=HashEmbedder.NAME), created=CREATED)
    return run(open_snapshot(data / "snapshots" / report.snapshot), k, source)
