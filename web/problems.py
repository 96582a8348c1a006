"""Errors as RFC 9457 problem documents, each with a stable `code`."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot import errors
from web import request_id
from web.access_log import template
from web.words import INTERFACE, SOURCE, Words, accepted, words

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger(__name__)

#: (status, code) of each error that a request can end with.
CODES: dict[type[errors.BotError], tuple[int, str]] = {
    errors.QuestionInvalid: (422, "question_invalid"),
    errors.QuestionUnknown: (404, "question_unknown"),
    errors.TicketInvalid: (422, "ticket_invalid"),
    errors.TicketConflict: (409, "idempotency_key_reused"),
    errors.TicketUnknown: (404, "ticket_unknown"),
    errors.TicketChanged: (409, "ticket_changed"),
    errors.NothingToUndo: (409, "nothing_to_undo"),
    errors.FeedbackInvalid: (422, "feedback_invalid"),
    errors.AttachmentRefused: (422, "attachment_refused"),
    errors.AttachmentUnknown: (404, "attachment_unknown"),
    errors.LearnedUnknown: (404, "learned_unknown"),
    errors.LearnedRemoved: (409, "learned_removed"),
    errors.SendingUnknown: (404, "sending_unknown"),
    errors.GapInvalid: (422, "gap_invalid"),
    errors.GapChanged: (409, "gap_changed"),
    errors.GapUnknown: (404, "gap_unknown"),
    errors.FlagInvalid: (422, "flag_invalid"),
    errors.FlagUnknown: (404, "flag_unknown"),
    errors.AccountInvalid: (422, "account_invalid"),
    errors.PersonUnknown: (404, "person_unknown"),
    errors.LastAdmin: (409, "last_admin"),
    errors.LinkUnknown: (404, "link_unknown"),
    errors.TokenExpired: (401, "token_expired"),
    errors.RemoteUnusable: (409, "remote_unusable"),
    errors.PublicationUnknown: (404, "publication_unknown"),
    errors.PublicationRunning: (409, "publication_running"),
    errors.NothingToTakeBack: (409, "nothing_to_take_back"),
    errors.StoreUnavailable: (503, "store_unavailable"),
}
_HTTP_CODES = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
}


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(BaseModel):
    """An error as RFC 9457 describes it; `code` never changes, the words may."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldProblem] = []
    request_id: str = Field("", description="Of the request, as in the header `X-Request-ID` and in the log.")


class ApiError(Exception):
    """An error of the API itself."""

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, headers


def problem(
    status: int, code: str, detail: str, fields: dict[str, str] | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        errors=[FieldProblem(field=name, message=text) for name, text in (fields or {}).items()],
        request_id=request_id.current_id(),
    )
    return JSONResponse(body.model_dump(), status, headers, media_type=MEDIA_TYPE)


def of_bot_error(error: errors.BotError, said: Words) -> JSONResponse:
    """The problem in the words of the person who asked, where it is one that people can mend."""
    status, code = CODES[type(error)]
    headers = {"Retry-After": "5"} if status == 503 else None
    if status == 503:
        _log.error("%s", error)
        detail = said.gettext("The help desk cannot store this right now. Try again in a moment.")
        return problem(status, code, detail, None, headers)
    if isinstance(error, errors.TicketInvalid | errors.AccountInvalid):
        fields = {name: said.say(message) for name, message in error.fields.items()}
        return problem(status, code, " ".join(fields.values()), fields)
    return problem(status, code, said.say(error.message) if error.message else str(error), None, headers)


def install(app: FastAPI) -> None:
    """Has every error of the application leave as a problem document; pages have their own handlers above these."""

    @app.exception_handler(errors.BotError)
    def _bot(request: Request, error: errors.BotError) -> Response:
        return of_bot_error(error, words(asked_language(request)))

    @app.exception_handler(ApiError)
    def _api(_request: Request, error: ApiError) -> Response:
        return problem(error.status, error.code, error.detail, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    def _invalid(_request: Request, error: RequestValidationError) -> Response:
        fields: dict[str, str] = {}
        for entry in error.errors():
            name = ".".join(str(part) for part in entry["loc"] if part not in ("body", "query", "path", "header"))
            broken = entry["type"] == "json_invalid"  # its place is a number
            fields.setdefault("body" if broken else name or "body", _words(entry))
        detail = " ".join(f"{name}: {text}." for name, text in fields.items())
        return problem(422, "invalid_request", detail, fields)

    @app.exception_handler(Exception)
    def _unexpected(request: Request, error: Exception) -> Response:
        _log.exception("unexpected error in %s %s", request.method, template(request.scope), exc_info=error)
        return problem(500, "internal_error", "Something went wrong on our side. It has been logged.")


def document(app: FastAPI) -> None:
    """Has the OpenAPI document name the media type errors leave with; FastAPI writes that of JSON beside a model."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            for methods in made()["paths"].values():
                for operation in methods.values():
                    for status, response in operation["responses"].items():
                        if status.startswith(("4", "5")) and "application/json" in response.get("content", {}):
                            response["content"][MEDIA_TYPE] = response["content"].pop("application/json")
        return made()

    app.openapi = openapi  # type: ignore[method-assign]


def asked_language(request: Request) -> str:
    """The first language of the Accept-Language header that the interface speaks, else English."""
    asked = accepted(request.headers.get("accept-language", ""))
    return next((lang for lang in asked if lang in INTERFACE), SOURCE)


def of_http_exception(error: HTTPException) -> JSONResponse:
    code = _HTTP_CODES.get(error.status_code, "error")
    return problem(error.status_code, code, str(error.detail), headers=dict(error.headers or {}))


def _words(entry: Any) -> str:
    text = str(entry["msg"]).removeprefix("Value error, ")
    return text if text[:2].isupper() else text[:1].lower() + text[1:]
