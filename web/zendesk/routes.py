"""Routes as Zendesk's clients expect them: addresses with or without `.json` and a locale, errors in its shape."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from bot import errors
from bot.people import Caller
from kb import languages
from web.problems import CODES, ApiError, asked_language
from web.programs import program
from web.words import words

_log = logging.getLogger(__name__)
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])
#: Zendesk's own words for an error, by our code where there is one, else by the status.
_CODES = {"endpoint_unknown": "InvalidEndpoint", "idempotency_key_reused": "IdempotentRequestError"}
_STATUSES = {
    400: "BadRequest",
    404: "RecordNotFound",
    422: "RecordInvalid",
    429: "APIRateLimitExceeded",
    503: "ServiceUnavailable",
}
#: A key that was used for another ticket is a bad request there, no conflict.
_STATUS_THERE = {409: 400}


class ZendeskRoute(APIRoute):
    """A route whose errors have Zendesk's shape; all that is not known here is left to the application."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_with_errors(request: Request) -> Response:
            try:
                return await handle(request)
            except ApiError as error:
                fields = error.fields if isinstance(error, RecordInvalidError) else None
                return failure(error.status, error.code, error.detail, fields, error.headers)
            except RequestValidationError as error:
                return _invalid(error)
            except errors.BotError as error:
                return _of_bot_error(error, request)

        return handle_with_errors


def router() -> APIRouter:
    return APIRouter(route_class=ZendeskRoute)


def route(
    to: APIRouter, method: str, *paths: str, localised: bool = False, status: int = 200
) -> Callable[[_Endpoint], _Endpoint]:
    """Serves a function at each path, with and without `.json`; `localised` ones of the help centre by locale too."""

    def register(endpoint: _Endpoint) -> _Endpoint:
        for path in paths:
            beginnings = ("/help_center", "/help_center/{locale}") if localised else ("",)
            for beginning in beginnings:
                for ending in (".json", ""):
                    to.add_api_route(
                        f"{beginning}{path}{ending}",
                        endpoint,
                        methods=[method],
                        status_code=status,
                        response_model=None,
                    )
        return endpoint

    return register


def _locale(request: Request) -> str | None:
    """The language an address asks for, `en-us` and `en` alike; None for any."""
    given = request.path_params.get("locale") or request.query_params.get("locale") or "*"
    lang = None if given == "*" else languages.normalise(given)
    if lang is None and given != "*":
        detail = f"{given!r} is no locale; use a code of ISO 639-1 such as en, en-us or pl."
        raise ApiError(404 if "locale" in request.path_params else 400, "locale_unknown", detail)
    return lang


def _known(request: Request) -> Caller:
    return program(request)


def _signed_in(request: Request) -> Caller:
    known = program(request)
    if not known.id:
        detail = "Send a token as `Authorization: Bearer …`, or as the password of `EMAIL/token`."
        raise ApiError(401, "unauthorized", detail, {"WWW-Authenticate": "Bearer"})
    return known


def _agent(known: Annotated[Caller, Depends(_signed_in)]) -> Caller:
    if not known.may("tickets"):
        raise ApiError(403, "forbidden", "This needs a token of an agent.")
    return known


Locale = Annotated[str | None, Depends(_locale)]
#: Whoever calls, nobody too.
Known = Annotated[Caller, Depends(_known)]
SignedIn = Annotated[Caller, Depends(_signed_in)]
Agent = Annotated[Caller, Depends(_agent)]


def missing(what: str) -> ApiError:
    return ApiError(404, "record_unknown", f"There is no such {what}.")


class RecordInvalidError(ApiError):
    """A record that cannot be taken, with the fields to mend."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(422, "record_invalid", "Record validation errors")
        self.fields = fields


def failure(
    status: int,
    code: str,
    detail: str,
    fields: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """An error as Zendesk words it."""
    status = _STATUS_THERE.get(status, status)
    body: dict[str, Any]
    if status == 401:
        body = {"error": "Couldn't authenticate you", "description": detail}
    elif status == 403:
        body = {"error": {"title": "Forbidden", "message": detail}}
    else:
        body = {"error": _CODES.get(code) or _STATUSES.get(status, "Error"), "description": detail}
    if fields:
        body["details"] = {name: [{"description": text, "error": "InvalidValue"}] for name, text in fields.items()}
    return JSONResponse(body, status, headers)


def _invalid(error: RequestValidationError) -> JSONResponse:
    fields: dict[str, str] = {}
    for entry in error.errors():
        parts = [str(part) for part in entry["loc"] if part not in ("body", "query", "path", "header")]
        fields.setdefault(".".join(parts) or "body", str(entry["msg"]).removeprefix("Value error, "))
    return failure(422, "record_invalid", "Record validation errors", fields)


def _of_bot_error(error: errors.BotError, request: Request) -> JSONResponse:
    said = words(asked_language(request))
    status, code = CODES[type(error)]
    if status == 503:
        _log.error("%s", error)
        return failure(503, code, "The help desk cannot store this right now.", headers={"Retry-After": "5"})
    if isinstance(error, errors.TicketInvalid):
        fields = {name: said.say(message) for name, message in error.fields.items()}
        return failure(status, code, "Record validation errors", fields)
    return failure(status, code, said.say(error.message) if error.message else str(error))
