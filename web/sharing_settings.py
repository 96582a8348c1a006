"""What is shared between servers through the database, and what its settings have to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from web.settings import Settings

Snapshots = Literal["folder", "database"]
Vectors = Literal["faiss", "pgvector"]


def check(settings: Settings) -> None:
    """Whether what is to be shared through PostgreSQL has one. Raises ValueError, which shows no address."""
    wanted = {"snapshots": settings.snapshots == "database", "vectors": settings.vectors == "pgvector"}
    if not settings.database_url.startswith("postgresql"):
        for name in (name for name, is_set in wanted.items() if is_set):
            raise ValueError(
                f"{name} = {getattr(settings, name)!r} needs database_url as well: the address of a PostgreSQL "
                "database, such as postgresql+psycopg://firstline@db.example.com/firstline"
            )
