"""Reads multipart forms (RFC 7578): words whole, files up to what is allowed; the rest of a file is thrown away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException

from bot.attachments import Allowed, Upload, upload
from web.words import N_

TYPE = "multipart/form-data"
#: Files that are not even looked at: a person attaches none beyond these.
_MOST_FILES = 40
_MOST_FIELDS = 60
#: Those of both, and as many empty ones: more are no form, and each costs time to read.
_MOST_PARTS = 2 * (_MOST_FILES + _MOST_FIELDS)


@dataclass(slots=True)
class _Part:
    """What was read of one part so far; `size` counts what was thrown away, too."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: str = ""
    filename: str | None = None
    content: bytearray = field(default_factory=bytearray)
    size: int = 0


class Reader:
    """Takes a body in pieces. Holds `words` bytes of fields at most, and of files what a ticket may bring and one more.

    Raises an HTTPException: 400 where it is no such form, 413 where its fields are longer than that.
    """

    def __init__(self, content_type: str, allowed: Allowed, words: int) -> None:
        _, options = parse_options_header(content_type)
        self.fields: list[tuple[str, str]] = []
        self.uploads: list[Upload] = []
        self._allowed = allowed
        self._words_left, self._files_left = words, (allowed.files + 1) * allowed.bytes
        self._part = _Part()
        self._parts = 0
        self._header, self._value = b"", b""
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._named,
                    "on_part_data": self._data,
                    "on_part_end": self._end,
                },
            )
        except (KeyError, FormParserError) as error:
            raise _broken() from error

    async def read(self, body: AsyncIterator[bytes]) -> None:
        try:
            async for piece in body:
                self._parser.write(piece)
            self._parser.finalize()
        except FormParserError as error:
            raise _broken() from error

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise HTTPException(413)
        self._part = _Part()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._part.headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def _named(self) -> None:
        _, options = parse_options_header(self._part.headers.get(b"content-disposition", b""))
        self._part.name = options.get(b"name", b"").decode("utf-8", "replace")
        if (filename := options.get(b"filename")) is not None:
            self._part.filename = filename.decode("utf-8", "replace")

    def _data(self, data: bytes, start: int, end: int) -> None:
        length = end - start
        self._part.size += length
        if self._part.filename is None:
            self._words_left -= length
            if self._words_left < 0:
                raise HTTPException(413)
            self._part.content += data[start:end]
        elif self._part.size <= self._allowed.bytes and self._files_left >= length:
            self._files_left -= length
            self._part.content += data[start:end]
        else:
            self._files_left += len(self._part.content)
            self._part.content.clear()

    def _end(self) -> None:
        part = self._part
        if part.filename is None:
            if len(self.fields) >= _MOST_FIELDS:
                raise HTTPException(400, N_("The form has more fields than any of ours."))
            self.fields.append((part.name, part.content.decode("utf-8", "replace")))
        elif part.filename or part.size:  # a field without a file comes as an empty one without a name
            if len(self.uploads) >= _MOST_FILES:
                raise HTTPException(413)
            oversized = len(part.content) < part.size
            self.uploads.append(upload(part.filename, bytes(part.content), oversized=oversized))


def _broken() -> HTTPException:
    return HTTPException(400, N_("This is no form of this site."))
