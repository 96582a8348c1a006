"""Forms that pages post: read within limits, and only from pages of this site."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from bot.attachments import Allowed, Upload
from web.middleware import MAX_REQUEST_BYTES
from web.origin import from_this_site
from web.pages import multipart
from web.words import N_

_MAX_FIELDS = 60
#: How much of files is read at least, though most of it be thrown away: so that a video is told at its field.
_READ_OF_FILES = 200_000_000
_TYPE = "application/x-www-form-urlencoded"
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Form:
    """The fields and files of a posted form. What is missing reads as empty."""

    def __init__(self, fields: list[tuple[str, str]], uploads: list[Upload] | None = None) -> None:
        self._fields, self.uploads = fields, uploads or []

    def text(self, name: str) -> str:
        """The first value of a field, line ends as `\\n`, without control characters."""
        return next((tidy(value) for key, value in self._fields if key == name), "")

    def texts(self, name: str) -> list[str]:
        return [tidy(value) for key, value in self._fields if key == name]

    def identifier(self, name: str) -> str:
        """An id we once gave out, or "" for anything that cannot be one."""
        return identifier(self.text(name))


def tidy(text: str) -> str:
    """The text as it was typed, line ends as `\\n`, without the control characters that no database takes."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs"))


def identifier(text: str) -> str:
    return text if _IDENTIFIER.fullmatch(text) else ""


def page_number(text: str) -> int:
    """The page of a list that an address or form asks for, from 1 on; 1 where it names none."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 8 else 1


async def posted(request: Request) -> Form:
    """The form of a request from a page of this site.

    Raises an HTTPException: 403 where another site sent it, 415 where it is no such form, 413 where it is too long,
    400 for too many fields.
    """
    _check_source(request)
    if _kind(request) != _TYPE:
        raise HTTPException(415, N_("This is no form of this site."))
    return await _urlencoded(request)


async def posted_with_files(request: Request) -> Form:
    """As `posted`, from a form that may bring files, as many and as large as the settings allow."""
    _check_source(request)
    if _kind(request) == _TYPE:
        return await _urlencoded(request)
    if _kind(request) != multipart.TYPE:
        raise HTTPException(415, N_("This is no form of this site."))
    allowed: Allowed = request.app.state.settings.allowed_files
    reader = multipart.Reader(request.headers["content-type"], allowed, MAX_REQUEST_BYTES)
    await reader.read(request.stream())
    return Form(reader.fields, reader.uploads)


def longest_body(allowed: Allowed) -> int:
    """Of a form with files, in bytes. More than the files may have: one that is too large is told at its field."""
    return MAX_REQUEST_BYTES + max(_READ_OF_FILES, 2 * allowed.files * allowed.bytes)


def _check_source(request: Request) -> None:
    if not from_this_site(request):
        raise HTTPException(403, N_("This form was sent from another site, so we did not take it."))


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _urlencoded(request: Request) -> Form:
    received = bytearray()
    async for piece in request.stream():
        received += piece
        if len(received) > MAX_REQUEST_BYTES:
            raise HTTPException(413)
    try:
        return Form(
            parse_qsl(
                received.decode("utf-8", "replace"),
                keep_blank_values=True,
                errors="replace",
                max_num_fields=_MAX_FIELDS,
            )
        )
    except ValueError as error:
        raise HTTPException(400, N_("The form has more fields than any of ours.")) from error


Posted = Annotated[Form, Depends(posted)]
PostedWithFiles = Annotated[Form, Depends(posted_with_files)]
