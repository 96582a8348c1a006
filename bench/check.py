"""How long a check takes: on a folder, or on 3,000 articles made up here.

python -m bench.check [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from kb.check import check

_ARTICLES = 3_000
_SECTION = """
## Step {step}

1. Open **Settings** on the device, and select **Network {number}**. See [the one before](article-{before}.md#step-2).
2. Type the name of the server, `server{number}.example.com`, and select **Next**.
3. Wait until the light is green. If it is not, [write to us](mailto:help@example.com) or call +1 555 010 4357.

| What you see | What to do |
| --- | --- |
| Error 0x8007{number:04} | Restart the device, then do step {step} again. |
| Nothing at all | Check the cable, as in ![the plug](../../images/plug.svg). |
"""


def main() -> None:
    if len(sys.argv) > 1:
        _measure(Path(sys.argv[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder))
        _measure(Path(folder))


def _measure(folder: Path) -> None:
    started, used = time.monotonic(), time.process_time()
    report = check(folder, today=date(2026, 11, 22))
    seconds, used = time.monotonic() - started, time.process_time() - used
    size = sum(path.stat().st_size for path in folder.rglob("*.md")) / 1e6
    print(f"{report.files:,} files, {size:.1f} MB: {seconds:.1f} s ({used:.1f} s of processor time)")
    for rule, count in report.rules().items():
        print(f"  {count:,} × {rule}")


def _write(folder: Path) -> None:
    """Articles of six sections in thirty topics, each with links to another and a few findings."""
    (folder / "images").mkdir()
    (folder / "images" / "plug.svg").write_text("<svg/>")
    for number in range(_ARTICLES):
        path = folder / "en" / f"topic-{number % 30}" / f"article-{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        before = number - 30 if number >= 30 else number
        front = f"---\ntitle: Connect device {number}\nquestions:\n  - how do i connect device {number}\n---\n\n"
        sections = (_SECTION.format(step=step, number=number, before=before) for step in range(1, 7))
        path.write_text(f"{front}Connect the device to the network.\n{''.join(sections)}")


if __name__ == "__main__":
    main()
