"""Workflow commands of GitHub Actions, which shows them beside the lines of a pull request."""

from __future__ import annotations

from typing import Literal


def annotation(level: Literal["error", "warning"], file: str, line: int, title: str, message: str) -> str:
    """One line to print; `line` is 1-based, 0 where it is not known."""
    at = f",line={line}" if line else ""
    return f"::{level} file={_property(file)}{at},title={_property(title)}::{_text(message)}"


def _text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _text(text).replace(":", "%3A").replace(",", "%2C")
