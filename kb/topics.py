"""What topics are called in each language: `topics.yml` beside the language folders.

    accounts:
      en: Accounts and passwords
      pl: Konta i hasła

A topic that is not in it is called after its folder.
"""

from __future__ import annotations

import reprlib
from pathlib import Path
from typing import Any

import yaml

from kb import languages
from kb.models import Skipped

FILE = "topics.yml"
#: Topic -> language -> name.
TopicNames = dict[str, dict[str, str]]


def topics_of(source: Path) -> tuple[TopicNames, list[Skipped]]:
    """The names that the file in `source` gives, and what in it cannot be used; nothing where there is no such file."""
    path = source / FILE
    if not path.is_file():
        return {}, []
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        return {}, [_skipped(f"it cannot be read: {error}", 0)]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return {}, [_skipped(str(getattr(error, "problem", error)), mark.line + 1 if mark else 0)]
    except (ValueError, LookupError, AttributeError, TypeError, ArithmeticError, RecursionError) as error:
        # A date that does not exist, a tag such as `!!int x` that PyYAML stumbles over, or a thousand brackets.
        return {}, [_skipped(f"a value cannot be read ({error}); put it in quotes", 0)]
    if found is None:
        return {}, []
    if not isinstance(found, dict):
        return {}, [_skipped(f"found {type(found).__name__} instead of topics", 1)]
    names: TopicNames = {}
    skipped: list[Skipped] = []
    for topic, given in found.items():
        wrong = _wrong(given)
        if wrong:
            skipped.append(_skipped(f"{topic}: {wrong}", 0))
        else:
            names[str(topic)] = {str(languages.normalise(lang)): name.strip() for lang, name in given.items()}
    return names, skipped


def _wrong(given: Any) -> str:
    if not isinstance(given, dict):
        return f"found {reprlib.repr(given)} instead of a name for each language"
    for lang, name in given.items():
        if not isinstance(lang, str) or languages.normalise(lang) is None:
            return f"{lang!r} is no language; use a two-letter code of ISO 639-1 such as en or pl"
        if not isinstance(name, str) or not name.strip():
            return f"the name in {lang} is {reprlib.repr(name)}, no text"
    return ""


def _skipped(detail: str, line: int) -> Skipped:
    fix = "Write each topic as its folder's name, and below it a name for each language: `en: Accounts`."
    return Skipped(FILE, "broken topics", detail, line, fix)
