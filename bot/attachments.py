"""Files that come with a ticket: which are taken, and under which name and type they are kept."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.errors import AttachmentRefused, Message

_LONGEST_NAME = 120
#: What a file of this kind begins with. Kinds without a signature are taken by their name.
_SIGNATURES: dict[str, tuple[bytes, ...]] = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
    "webp": (b"RIFF",),
    "pdf": (b"%PDF-",),
    "docx": (b"PK\x03\x04",),
    "xlsx": (b"PK\x03\x04",),
    "pptx": (b"PK\x03\x04",),
    "odt": (b"PK\x03\x04",),
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "msg": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
}
#: PDF readers take a file whose signature stands within its first kilobyte, and scanners write such files.
_WITHIN = {"pdf": 1024}
_MEDIA_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "log": "text/plain",
    "csv": "text/csv",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "zip": "application/zip",
    "eml": "message/rfc822",
    "msg": "application/vnd.ms-outlook",
}
_FORBIDDEN = frozenset('\\/:*?"<>|')


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent. `oversized` says that it was larger than allowed, and what was read of it thrown away."""

    name: str
    content: bytes
    oversized: bool = False

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPES.get(_extension(self.name), "application/octet-stream")

    def __repr__(self) -> str:
        return f"<Upload of {len(self.content)} bytes>"  # names of files say things about people


@dataclass(frozen=True, slots=True)
class Allowed:
    """How many files a ticket may bring, how large each, in megabytes of a million bytes, and of which extensions."""

    files: int = 5
    megabytes: int = 10
    types: tuple[str, ...] = ("png", "jpg", "pdf", "txt")

    @property
    def bytes(self) -> int:
        return self.megabytes * 1_000_000

    def check(self, upload: Upload) -> None:
        """Raises AttachmentRefused with words that name the file, the limit and what is allowed."""
        extension = _extension(upload.name)
        if extension not in self.types:
            raise AttachmentRefused(self.wrong_kind(upload.name))
        if upload.oversized or len(upload.content) > self.bytes:
            raise AttachmentRefused(self.too_large(upload.name))
        if not upload.content:
            raise AttachmentRefused(
                Message("“%(name)s” is empty. Check the file and attach it again.", name=upload.name)
            )
        if not _is_what_it_says(extension, upload.content):
            raise AttachmentRefused(
                Message(
                    "“%(name)s” is no %(kind)s file, whatever its name says. Save it again in that format, or attach "
                    "it under its real name.",
                    name=upload.name,
                    kind=extension.upper(),
                )
            )

    def wrong_kind(self, name: str) -> Message:
        return Message(
            "“%(name)s” is of a kind we do not take. You can attach: %(types)s.", name=name, types=", ".join(self.types)
        )

    def too_large(self, name: str) -> Message:
        return Message(
            "“%(name)s” is larger than %(limit)s MB. Attach a smaller file, or describe what it shows.",
            name=name,
            limit=self.megabytes,
        )

    def too_many(self, name: str) -> Message:
        return Message(
            "“%(name)s” is one file too many: a ticket takes %(limit)s. Remove another one first.",
            name=name,
            limit=self.files,
        )


def upload(name: str, content: bytes, *, oversized: bool = False) -> Upload:
    """A file under a name that is safe to show and to save under."""
    return Upload(safe_name(name), content, oversized)


def safe_name(given: str) -> str:
    """The name without folders, control characters, marks that turn text around, and what file systems refuse.

    Never empty and no longer than 120 characters; the extension stays.
    """
    base = given.replace("\\", "/").rpartition("/")[2]
    kept = "".join("_" if char in _FORBIDDEN else char for char in base if unicodedata.category(char)[0] != "C")
    kept = " ".join(kept.split()).strip(". ")
    stem, suffix = PurePosixPath(kept).stem, PurePosixPath(kept).suffix
    return f"{stem[: _LONGEST_NAME - len(suffix)]}{suffix}"[:_LONGEST_NAME] or "file"


def room(allowed: Allowed, uploads: Sequence[Upload], waiting: int) -> tuple[list[Upload], list[AttachmentRefused]]:
    """The files that are taken beside the `waiting` ones, and what is wrong with each of the others."""
    taken: list[Upload] = []
    refused: list[AttachmentRefused] = []
    for one in uploads:
        try:
            allowed.check(one)
            if waiting + len(taken) >= allowed.files:
                raise AttachmentRefused(allowed.too_many(one.name))
            taken.append(one)
        except AttachmentRefused as error:
            refused.append(error)
    return taken, refused


def _extension(name: str) -> str:
    return PurePosixPath(name).suffix.removeprefix(".").lower()


def _is_what_it_says(extension: str, content: bytes) -> bool:
    signatures = _SIGNATURES.get(extension)
    if signatures is None:
        return True
    if within := _WITHIN.get(extension):
        return any(signature in content[:within] for signature in signatures)
    if extension == "webp" and content[8:12] != b"WEBP":
        return False
    return content.startswith(signatures)
