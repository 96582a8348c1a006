"""Numbers for what has names here: Zendesk's ids are integers."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_log = logging.getLogger(__name__)

#: The largest integer that JavaScript's numbers hold exactly.
LARGEST = 2**53 - 1


def number(kind: str, name: str) -> int:
    """What stands for a name of one kind, 1 to LARGEST: the same on every server and after every build."""
    digest = hashlib.sha256(f"{kind}\0{name}".encode()).digest()
    return int.from_bytes(digest[:8]) % LARGEST + 1


@dataclass(frozen=True, slots=True)
class Numbering:
    """Names and their numbers, one to one."""

    numbers: dict[str, int]
    names: dict[int, str]

    @classmethod
    def of(cls, kind: str, names: Iterable[str], number: Callable[[str, str], int] = number) -> Numbering:
        """Numbers for all names of a kind.

        Of two names with one number the later one in the alphabet gets the number of its name with a mark behind it.
        Among a million names that happens once in 18,000 bases; it is logged, since that number depends on the other.
        """
        numbers: dict[str, int] = {}
        taken: dict[int, str] = {}
        for name in sorted(set(names)):
            marked, found = name, number(kind, name)
            while found in taken:
                _log.warning("%s %r and %r would have one number; %r gets another", kind, taken[found], name, name)
                marked += "\0"
                found = number(kind, marked)
            numbers[name], taken[found] = found, name
        return cls(numbers, taken)
