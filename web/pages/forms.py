"""Forms that pages post: read within limits, and only from pages of this site."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from web.words import N_

_MAX_FIELDS = 60
_TYPE = "application/x-www-form-urlencoded"
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Form:
    """The fields of a posted form. What is missing reads as empty."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields

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


async def posted(request: Request) -> Form:
    """The form of a request from a page of this site.

    Raises an HTTPException: 403 where another site sent it, 415 where it is no such form, 400 for too many fields.
    """
    if not from_this_site(request):
        raise HTTPException(403, N_("This form was sent from another site, so we did not take it."))
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise HTTPException(415, N_("This is no form of this site."))
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return Form(parse_qsl(body, keep_blank_values=True, errors="replace", max_num_fields=_MAX_FIELDS))
    except ValueError as error:
        raise HTTPException(400, "The form has more fields than any of ours.") from error


Posted = Annotated[Form, Depends(posted)]


def from_this_site(request: Request) -> bool:
    """Whether a page of this site sent the request, by what the browser says about it.

    Sec-Fetch-Site where the browser sends it, else Origin or Referer. A request with none of them comes from no
    browser, which has no cookies that somebody else's page could use.
    """
    if site := request.headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    source = request.headers.get("origin") or request.headers.get("referer")
    return source is None or urlsplit(source).netloc.lower() == request.headers.get("host", "").lower()
