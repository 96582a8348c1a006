"""Writes the parts of the documentation that are made of the code: settings, HTTP API, command line.

python -m docs.generate            writes them
python -m docs.generate --check    fails where a file is not what the code says
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic import SecretStr

HERE = Path(__file__).parent
_NOTE = "<!-- Made by `make fix` from {source}; change it there. -->\n\n"


def settings_page() -> str:
    """docs/settings.md from web/settings.py."""
    from web.settings import DEFAULT_FILE, FILE_VARIABLE, Settings, names

    lines = [
        "# Settings",
        "",
        "All settings have a default. Put what you want otherwise into",
        f"`{DEFAULT_FILE}` in the folder you start Firstline in (or name another file in the environment variable",
        f"`{FILE_VARIABLE}`), or set an environment variable with the prefix `FIRSTLINE_`, such as",
        '`FIRSTLINE_SITE_NAME="Help for all"`. Environment variables win over the file, options of a command win over',
        "both. An unknown key or a value that is not allowed stops the start with a message that names it.",
        "",
        "```toml",
        'site_name = "Help at Example"',
        'accent_color = "#7a3e00"',
        'widget_origins = ["https://www.example.com"]',
        "```",
        "",
        "| name | default | what it does |",
        "|---|---|---|",
    ]
    for name in names():
        field = Settings.model_fields[name]
        lines.append(f"| `{name}` | {_default(field.default)} | {field.description} |")
    return _NOTE.format(source="web/settings.py") + "\n".join(lines) + "\n"


def api_page() -> str:
    """docs/api.md from the OpenAPI description of the running application."""
    spec = openapi()
    lines = [
        "# HTTP API",
        "",
        "Version 1, below `/api/v1`. The running server shows it on `/api`; the machine-readable description is",
        "`/api/v1/openapi.json`. Bodies and replies are JSON. An error is a problem document",
        "([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) whose `code` never changes.",
        "",
        "`confidence` is a calibrated probability: of all answers given at 0.8, about four in five are right.",
        "",
    ]
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            lines += _operation(method, path, operation, spec)
    lines += ["## Errors", "", "| status | code | when |", "|---|---|---|"]
    lines += [f"| {status} | `{code}` | {when} |" for status, code, when in error_rows()]
    return _NOTE.format(source="web/api.py and the schemas beside it") + "\n".join(lines) + "\n"


def commands_page() -> str:
    """docs/commands.md from web/cli.py and the commands beside it."""
    import typer

    from web.cli import app

    group = typer.main.get_command(app)
    lines = [
        "# Command line",
        "",
        "Exit code 0: fine. 1: a check failed. 2: wrong use, or an error that the message names.",
        "",
    ]
    for name, command in _commands(group):
        lines += [f"## `firstline {name}`", "", command.help or "", "", "| option | what it does |", "|---|---|"]
        for parameter in command.params:
            flags = (
                ", ".join(f"`{flag}`" for flag in parameter.opts)
                if parameter.opts[0].startswith("-")
                else f"`{parameter.name.upper()}`"
            )
            lines.append(f"| {flags} | {(getattr(parameter, 'help', '') or '').replace('|', chr(92) + '|')} |")
        lines.append("")
    return _NOTE.format(source="web/cli.py") + "\n".join(lines)


def _commands(group: Any, before: str = "") -> list[tuple[str, Any]]:
    """(name, command) of a group and of the groups in it, by name."""
    found: list[tuple[str, Any]] = []
    for name, command in sorted(getattr(group, "commands", {}).items()):
        within = _commands(command, f"{before}{name} ")
        found += within or [(f"{before}{name}", command)]
    return found


def openapi() -> dict[str, Any]:
    """The application's OpenAPI description; needs neither a snapshot nor a database."""
    from fastapi import FastAPI

    from web import api

    app = FastAPI(title="Firstline", version="1")
    app.include_router(api.router)
    return app.openapi()


def error_rows() -> list[tuple[int, str, str]]:
    """(status, code, when) of every error of the API."""
    from web.problems import CODES

    rows = [(status, code, (error.__doc__ or "").split("\n")[0]) for error, (status, code) in CODES.items()]
    return sorted(
        [
            *rows,
            (401, "signature_invalid", "A webhook's signature is missing, or was not made with `webhook_secret`."),
            (401, "timestamp_out_of_range", "A webhook was signed more than five minutes ago, or in the future."),
            (401, "unauthorized", "The token is missing, unknown or revoked."),
            (403, "forbidden", "The token does not have the scope, or its owner not the right."),
            (403, "closed", "Webhooks are closed until `webhook_secret` is set."),
            (403, "foreign_origin", "Another site's page sent what only a page of this site may send."),
            (404, "article_unknown", "There is no such article, or not in this language."),
            (404, "not_found", "There is no such address."),
            (405, "method_not_allowed", "The address does not take this method."),
            (413, "too_large", "The request is larger than two megabytes."),
            (422, "invalid_request", "A field is missing, unknown or not of the right kind; `errors` names each."),
            (422, "resolution_empty", "Neither an article nor words say how the ticket was solved."),
            (429, "too_many_requests", "More requests than the settings allow; `Retry-After` says how long to wait."),
            (500, "internal_error", "A mistake of ours. It has been logged."),
        ]
    )


def data_page() -> str:
    """docs/data.md from bot/tables/fields.toml."""
    from bot.stored import Place, browser, files, tables

    lines = [
        "# What is stored",
        "",
        "Every column, every file, and what a browser keeps. [privacy.md](privacy.md) says what follows from it.",
        "",
        "| what it is of a person | |",
        "|---|---|",
        "| no | nothing |",
        "| link | a number or key that leads to what one person wrote or did, and says nothing alone |",
        "| masked | words of a person; personal data is masked before they are written |",
        "| words | words of a person, as typed |",
        "| name | a name or an address of a person |",
        "| secret | lets somebody in, or is a hash of what does |",
        "",
        "`keep_…` are [settings](settings.md), in days.",
        "",
    ]

    def places(title: str, found: list[Place]) -> list[str]:
        rows = [f"| {at.field.name} | {at.field.personal} | {at.field.purpose} | {at.kept} |" for at in found]
        return [f"## {title}", "", "| where | of a person | what | kept |", "|---|---|---|---|", *rows, ""]

    lines += places("Files", files()) + places("In the browser", browser()) + ["## Tables", ""]
    for table in tables().values():
        lines += [f"### {table.name}", "", f"{table.what} Kept: {table.kept}. Seen by: {table.seen}.", ""]
        lines += ["| column | of a person | what for |", "|---|---|---|"]
        lines += [f"| `{field.name}` | {field.personal} | {field.purpose} |" for field in table.fields]
        lines.append("")
    return _NOTE.format(source="bot/tables/fields.toml") + "\n".join(lines)


def metrics_page() -> str:
    """docs/metrics.md from web/metrics.py."""
    from web.metrics import DECLARED

    lines = [
        "# Metrics",
        "",
        "What `/metrics` shows, in the format of Prometheus; [operating](operating.md) says how it is opened, and what",
        "to watch. No label holds what a person typed, an address or an id of a person, and each has few values.",
        "Beside these there are the usual `process_…` ones: memory, processor time, open files. Where several",
        "processes serve behind one port, any of them answers for all: each number has the label `process`, counters",
        "add up, and what is in the database (outbox, gaps) every one of them tells.",
        "",
        "| name | kind | what it is | labels |",
        "|---|---|---|---|",
    ]
    for metric in DECLARED:
        labels = "; ".join(f"`{name}`: {values}" for name, values in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {metric.help} | {labels} |")
    return _NOTE.format(source="web/metrics.py") + "\n".join(lines) + "\n"


PAGES = {
    "settings.md": settings_page,
    "api.md": api_page,
    "commands.md": commands_page,
    "metrics.md": metrics_page,
    "data.md": data_page,
}


def stale(folder: Path = HERE) -> list[str]:
    """The names of the pages that are not what the code says."""
    return [
        name for name, make in PAGES.items() if not (folder / name).is_file() or (folder / name).read_text() != make()
    ]


def main() -> None:
    if "--check" in sys.argv:
        if names := stale():
            sys.exit(f"docs/{', docs/'.join(names)}: not in step with the code. Run `make fix`.")
        return
    for name, make in PAGES.items():
        (HERE / name).write_text(make(), encoding="utf-8")


def _operation(method: str, path: str, operation: dict[str, Any], spec: dict[str, Any]) -> list[str]:
    lines = [f"## {operation['summary']}", "", f"`{method.upper()} {path}`", ""]
    if description := operation.get("description"):
        lines += [" ".join(description.split()), ""]
    if parameters := operation.get("parameters"):
        lines += ["| parameter | in | kind | what it is |", "|---|---|---|---|"]
        for parameter in parameters:
            required = "required" if parameter.get("required") else "optional"
            lines.append(
                f"| `{parameter['name']}` | {parameter['in']} | {_kind(parameter['schema'])}, {required} | "
                f"{parameter.get('description', '')} |"
            )
        lines.append("")
    if body := operation.get("requestBody"):
        lines += ["Body:", "", *_fields(body["content"]["application/json"]["schema"], spec), ""]
    for status, reply in operation["responses"].items():
        if schema := reply.get("content", {}).get("application/json", {}).get("schema"):
            if status.startswith("2"):
                lines += [f"Reply {status}:", "", *_fields(schema, spec), ""]
        elif status == "204":
            lines += ["Reply 204, without a body.", ""]
    return lines


def _fields(schema: dict[str, Any], spec: dict[str, Any]) -> list[str]:
    name = schema["$ref"].rsplit("/", 1)[-1] if "$ref" in schema else schema["title"]
    model = spec["components"]["schemas"][name] if "$ref" in schema else schema
    lines = ["| field | kind | what it is |", "|---|---|---|"]
    for field, described in model["properties"].items():
        required = ", required" if field in model.get("required", ()) and name.endswith("In") else ""
        lines.append(f"| `{field}` | {_kind(described)}{required} | {described.get('description', '')} |")
    return lines


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return f"`{schema['$ref'].rsplit('/', 1)[-1]}`"
    if "anyOf" in schema:
        return " or ".join(_kind(part) for part in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" if value else "empty" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}" if "items" in schema else "list"
    return {"string": "text", "integer": "number", "boolean": "yes or no"}.get(
        schema.get("type", ""), schema.get("type", "")
    )


def _default(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value in ("", ()):
        return "empty"
    if isinstance(value, tuple):
        return " ".join(f"`{entry}`" for entry in value)
    return f"`{value}`"


if __name__ == "__main__":
    main()
