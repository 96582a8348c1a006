"""What the settings say about a check of the articles, for the command, a publication and the preview."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kb.check import CheckSettings
    from web.settings import Settings


def check_settings(settings: Settings, strict: bool = False, off: Sequence[str] = ()) -> CheckSettings:
    """What these settings and options say about a check."""
    from kb.check import CheckSettings  # heavy, and --help is to answer at once

    known = {settings.support_email.lower(), settings.support_phone, settings.mail_from.lower()} - {""}
    return CheckSettings(
        default_lang=settings.default_lang,
        off=frozenset((*settings.check_off, *off)),
        strict=strict,
        known=frozenset(known),
        base_url=settings.base_url,
    )
