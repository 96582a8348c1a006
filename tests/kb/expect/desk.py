"""Small article folders, indexed with the fake encoder (shared words) and asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as Xml

from kb.build import BuildSettings, make
from kb.embedding import HashEmbedder
from kb.expect import Run, kept, run
from kb.snapshot import open_snapshot
from tests.conftest import CREATED

VPN = """---
id: vpn
title: Connect the vpn tunnel
questions:
  - vpn tunnel does not connect
---
Start the vpn tunnel.
"""
MAIL = """---
id: mail
title: Mailbox is full
questions:
  - my mailbox is full
---
Empty the mailbox.
"""
#: Of `MAIL` and `VPN` it takes both questions.
THIEF = """---
id: thief
title: mailbox is full
questions:
  - my mailbox is full today
  - the vpn tunnel does not connect
---
my mailbox is full. vpn tunnel does not connect.
"""


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def asked(source: Path, data: Path, k: int = 1) -> Run:
    report = make(source, data, BuildSettings(model=HashEmbedder.NAME), created=CREATED)
    return run(open_snapshot(data / "snapshots" / report.snapshot), k, source)


def asked_once(source: Path, data: Path, k: int = 1, wanted: Callable[[str], bool] | None = None) -> Run:
    """As the command asks, which keeps what a snapshot found."""
    report = make(source, data, BuildSettings(model=HashEmbedder.NAME), created=CREATED)
    folder = data / "snapshots" / report.snapshot
    return kept.asked(open_snapshot(folder), folder, k, source, lambda stage, done, total: None, wanted)


def parsed(document: str) -> Xml.Element:
    """The root of an XML document of ours, read from bytes as a reader of the file does."""
    return Xml.fromstring(document.encode())  # noqa: S314
