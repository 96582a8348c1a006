"""JSONL files, one object a line; an error names file, line and what was expected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kb.errors import EvaluationFileError


def read_objects(path: Path, *, required: tuple[str, ...]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields (1-based line, object) for each line that is not blank.

    Raises EvaluationFileError where the file cannot be read, a line is no JSON object, or a required key is missing.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EvaluationFileError(f"{path}: cannot be read ({error.strerror}).") from error
    for number, raw in enumerate(data.split(b"\n"), 1):
        if not raw.strip():
            continue
        try:
            row = json.loads(raw)
            if b"\\ud" in raw.lower():
                json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise EvaluationFileError(
                f"{path}:{number}: half of a character ({error.object[error.start]!a}). Write both of its \\u escapes, "
                "or none."
            ) from error
        except (ValueError, RecursionError) as error:
            raise EvaluationFileError(
                f"{path}:{number}: not valid JSON ({error}). Each line is one object such as "
                '{"id": "1", "query": "…", "relevant": ["article-id"]}.'
            ) from error
        if not isinstance(row, dict):
            raise EvaluationFileError(f"{path}:{number}: expected a JSON object, found {type(row).__name__}.")
        if missing := [key for key in required if row.get(key) is None]:
            raise EvaluationFileError(
                f"{path}:{number}: missing {', '.join(missing)}; found the keys {', '.join(sorted(row)) or 'none'}."
            )
        yield number, row
