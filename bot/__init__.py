"""The bot: decides what to reply to a question, and keeps what became of it. Knows no web."""
