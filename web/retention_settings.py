"""The settings of how long what is stored is kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings

from bot.retention import Keep

Days = Annotated[int, Field(ge=0, le=36_500)]


class KeepSettings(BaseSettings):
    """For how many days; 0 keeps it for ever."""

    keep_questions: Days = Field(
        730,
        description="For how many days questions and what became of them are kept ([privacy](privacy.md)). 0: ever.",
    )
    keep_tickets: Days = Field(
        1_095,
        description="For how many days a solved ticket is kept after its last change, with all that came with it.",
    )
    keep_feedback: Days = Field(730, description="For how many days readers' and agents' words on articles are kept.")
    keep_outbox: Days = Field(
        90, description="For how many days it is kept what was sent to whom; the text, for seven."
    )
    keep_sessions: Days = Field(
        30, description="For how many days sign-ins, links for passwords and tokens are kept after they ended."
    )
    keep_audit: Days = Field(730, description="For how many days the audit log is kept.")

    @property
    def keep(self) -> Keep:
        return Keep(
            questions=self.keep_questions,
            tickets=self.keep_tickets,
            feedback=self.keep_feedback,
            outbox=self.keep_outbox,
            sessions=self.keep_sessions,
            audit=self.keep_audit,
        )
