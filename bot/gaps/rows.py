"""A step of the grouping as rows of the tables."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import UTC
from typing import Any

import numpy as np

from bot.gaps.models import Failure, Standing, Step
from kb.analysis import fold

_KEPT_OF_FAILURES = tuple(field.name for field in fields(Failure) if field.name not in ("body", "shown"))


def centre_rows(step: Step) -> list[dict[str, Any]]:
    first, open_ = step.first_words(), asdict(Standing())
    return [
        {
            "id": centre.id,
            "encoder": centre.encoder,
            "vector": np.ascontiguousarray(centre.vector, np.float32).tobytes(),
            "weight": centre.weight,
            **open_,
            "name": first[centre.id].text if centre.id in first else "",
            "lang": first[centre.id].lang if centre.id in first else "",
            **{"why": "no_article", "nearest": "", "wordings": []},
            "stale": True,
            "checked": "",
        }
        for centre in step.centres
    ]


def home_rows(step: Step) -> list[dict[str, Any]]:
    return [
        {
            **{name: getattr(failure, name) for name in _KEPT_OF_FAILURES},
            "shown": list(failure.shown),
            "gap_id": gap_id,
            "day": failure.at.astimezone(UTC).date(),
            "search": " ".join(fold(failure.text).split()),
        }
        for failure, gap_id in step.homes
    ]
