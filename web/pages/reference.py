"""The API's documentation as a page, made from the application's own OpenAPI description."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from web.addresses import OPENAPI
from web.pages.failures import PageRoute
from web.pages.templates import page
from web.pages.visit import base_address
from web.problems import CODES

router = APIRouter(route_class=PageRoute)
#: Where the machine-readable description of the API is.

Schema = dict[str, Any]

#: Values for the examples, by the name of the field; others follow from their type.
_SAMPLES: dict[str, Any] = {
    "article_id": "reset-password",
    "body": "Since this morning the screen stays black after I connect the cable.",
    "channel": "api",
    "declined": ["external-screen"],
    "email": "name@example.com",
    "idempotency-key": "7b0c9e52f1d8",
    "lang": "en",
    "learned_id": "5e884898da280471",
    "outcome": "solved",
    "q": "password",
    "question_id": "9f86d081884c7d65",
    "reason": "The steps were clear.",
    "session": "f3b1c0d2a4e5",
    "subject": "Second screen stays black",
    "text": "Replaced the cable.",
    "ticket_id": "2c26b46b68ffc68f",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a body or reply."""

    name: str
    type: str
    where: str
    required: bool
    notes: str
    description: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one address."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    needs: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    status: str
    reply: str
    curl: str


@dataclass(frozen=True, slots=True)
class Model:
    """An object that replies are made of."""

    name: str
    description: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    endpoints: tuple[Endpoint, ...]
    models: tuple[Model, ...]
    codes: tuple[tuple[int, str, str], ...]


@router.get("/api")
def api(request: Request) -> Response:
    app: FastAPI = request.app
    origin = base_address(request)
    values = {
        "reference": reference(app.openapi(), origin),
        "origin": origin,
        "openapi": OPENAPI,
        "version": app.version,
    }
    return page(request, "api.html", values)


def reference(document: Schema, origin: str) -> Reference:
    """Endpoints in the order they are declared, and every object that a reply holds."""
    schemas: dict[str, Schema] = document.get("components", {}).get("schemas", {})
    endpoints = tuple(
        _endpoint(path, method, operation, schemas, origin)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    )
    models = tuple(
        Model(name, _first_line(schema.get("description", "")), _fields(schema))
        for name, schema in schemas.items()
        if not name.endswith("In") and "properties" in schema
    )
    codes = sorted((status, code, error.__doc__ or "") for error, (status, code) in CODES.items())
    return Reference(endpoints, models, tuple(codes))


def _endpoint(path: str, method: str, operation: Schema, schemas: dict[str, Schema], origin: str) -> Endpoint:
    description = operation.get("description", "")
    token = next((who for who in ("author", "agent") if f"{who}'s token" in description), "")
    status, answer = next((s, r) for s, r in operation["responses"].items() if s.startswith("2"))
    body = _resolve(_json_schema(operation.get("requestBody", {})), schemas)
    parameters = tuple(
        _field(each["name"], each["schema"], each.get("required", False), each["in"], each.get("description", ""))
        for each in operation.get("parameters", [])
    )
    return Endpoint(
        anchor=operation["operationId"].partition("_api_")[0].replace("_", "-"),
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=description,
        needs=f"{token}_token" if token else "",
        parameters=parameters,
        body=_fields(body) if body else (),
        status=status,
        reply=_type(_json_schema(answer)) if _json_schema(answer) else "",
        curl=_curl(path, method.upper(), parameters, body, token, origin),
    )


def _curl(path: str, method: str, parameters: tuple[Field, ...], body: Schema | None, token: str, origin: str) -> str:
    """A command that can be pasted: required fields, and optional ones that show what the endpoint is for."""
    query = "&".join(f"{f.name}={_sample(f.name)}" for f in parameters if f.where == "query" and f.required)
    for each in parameters:
        if each.where == "path":
            path = path.replace(f"{{{each.name}}}", str(_sample(each.name)))
    address = f"{origin}{path}" + (f"?{query}" if query else "")
    lines = [f"curl -s {shlex.quote(address)}" if method == "GET" else f"curl -s -X {method} {shlex.quote(address)}"]
    if token:
        lines.append(f'-H "Authorization: Bearer ${token.upper()}_TOKEN"')
    lines += [f"-H {shlex.quote(f'{f.name}: {_sample(f.name)}')}" for f in parameters if f.where == "header"]
    if body:
        lines.append("-H 'Content-Type: application/json'")
        wanted = body.get("required") or list(body["properties"])[:1]
        example = {name: _sample(name, body["properties"][name]) for name in wanted}
        lines.append(f"-d {shlex.quote(json.dumps(example, ensure_ascii=False))}")
    return " \\\n  ".join(lines)


def _sample(name: str, schema: Schema | None = None) -> Any:
    if schema and schema.get("examples"):
        return schema["examples"][0]
    return _SAMPLES.get(name, "text")


def _json_schema(holder: Schema) -> Schema | None:
    schema: Schema | None = holder.get("content", {}).get("application/json", {}).get("schema")
    return schema


def _resolve(schema: Schema | None, schemas: dict[str, Schema]) -> Schema | None:
    name = (schema or {}).get("$ref", "").rpartition("/")[2]
    return schemas.get(name, schema)


def _fields(schema: Schema) -> tuple[Field, ...]:
    required = schema.get("required", [])
    return tuple(
        _field(name, each, name in required, "", each.get("description", ""))
        for name, each in schema.get("properties", {}).items()
    )


def _field(name: str, schema: Schema, required: bool, where: str, description: str) -> Field:
    return Field(name, _type(schema), where, required, _notes(schema), description)


def _type(schema: Schema | None) -> str:
    """A schema's type in one line: `string or null`, `list of SuggestionOut`, `"solved" or "opened"`."""
    if not schema:
        return ""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    if schema.get("type") == "array":
        items = schema.get("prefixItems") or [schema.get("items", {})]
        return f"list of {_type(items[0]) or 'anything'}"
    return {"date-time": "time (ISO 8601)"}.get(schema.get("format", ""), str(schema.get("type", "anything")))


def _notes(schema: Schema) -> str:
    """Limits and default of a value, in words."""
    inner = next((each for each in schema.get("anyOf", []) if each.get("type") != "null"), schema)
    notes = [
        f"{words} {inner[key]:,}{unit}"
        for key, words, unit in (
            ("minimum", "at least", ""),
            ("maximum", "at most", ""),
            ("minLength", "at least", " characters"),
            ("maxLength", "at most", " characters"),
            ("maxItems", "at most", " entries"),
        )
        if key in inner and "prefixItems" not in inner
    ]
    if schema.get("default") not in (None, "", []):
        notes.append(f"default {json.dumps(schema['default'])}")
    return ", ".join(notes)


def _first_line(text: str) -> str:
    return text.strip().partition("\n\n")[0]
