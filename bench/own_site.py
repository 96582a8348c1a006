"""Our own articles, indexed for pictures and measurements."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from kb.build import BuildSettings, build

BUILD = Path("build")


def own_data() -> Path:
    """The data folder of our own articles below build/, up to date and kept between runs."""
    data = BUILD / "screenshots"
    (data / "cache").mkdir(parents=True, exist_ok=True)
    for shared in ("encoders", "vectors.db"):
        if not (data / "cache" / shared).is_symlink():
            (data / "cache" / shared).symlink_to((BUILD / shared).resolve())
    (BUILD / "encoders").mkdir(exist_ok=True)
    build(Path("articles"), data, BuildSettings(), created=datetime.now(UTC).isoformat(timespec="seconds"))
    return data.resolve()
