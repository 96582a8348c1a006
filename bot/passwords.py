"""Passwords: what they have to be, how they are kept (argon2id), and a check that takes the same time for everybody."""

from __future__ import annotations

import threading
import unicodedata
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bot.errors import Message

#: Length is what makes a password hard to guess (NIST SP 800-63B); no rule asks for digits or signs.
SHORTEST = 12
#: A longer one is no safer, and hashing it costs time.
LONGEST = 500
#: Each check takes 64 MiB. More at once than this would let a flood of sign-ins fill the memory.
_AT_ONCE = 2


class Passwords:
    """Makes and checks hashes. The parameters stand in each hash, so that they may change: see `outdated`.

    `hasher` brings the parameters; without one those of RFC 9106 for little memory (64 MiB, three rounds) are used.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._room = threading.Semaphore(_AT_ONCE)

    def hash(self, password: str) -> str:
        with self._room:
            return self._hasher.hash(_normal(password))

    def verify(self, password: str, kept: str) -> bool:
        """Whether it is the password. Where none is kept ("") the answer is no, after the same work."""
        with self._room:
            nobodys = self._nobodys  # made at the first check of all, whoever that is for
            try:
                return self._hasher.verify(kept or nobodys, _normal(password)[: LONGEST + 1]) and bool(kept)
            except (VerificationError, InvalidHashError):
                return False

    def outdated(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(kept)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("the password of nobody")


def _normal(password: str) -> str:
    """The same password from every keyboard: a letter and its accent may come as one character or two."""
    return unicodedata.normalize("NFKC", password)


def fault(password: str, email: str) -> Message | None:
    """What is wrong with a new password, in words for its owner."""
    if not password:
        return Message("Enter a password.")
    if len(_normal(password)) < SHORTEST:
        return Message("Use %(limit)s characters or more. A few words in a row are easy to remember.", limit=SHORTEST)
    if len(_normal(password)) > LONGEST:
        return Message("Shorten the password to %(limit)s characters or fewer.", limit=LONGEST)
    plain = password.casefold()
    if len(set(plain)) < 4 or (email and plain in (email.casefold(), email.casefold().partition("@")[0] * 2)):
        return Message("This password is too easy to guess. Choose another one.")
    return None
