"""The pages of the help centre."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

router = APIRouter(include_in_schema=False)


def error_page(_request: Request, error: HTTPException) -> Response:
    return PlainTextResponse(str(error.detail), error.status_code)
