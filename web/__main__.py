"""`python -m web` is the command `firstline`."""

from __future__ import annotations

from web.cli import main

main()
