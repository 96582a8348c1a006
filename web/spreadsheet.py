"""Tables as files that spreadsheets open."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date, datetime

#: A formula, also in the full-width signs that spreadsheets in Japanese read as the plain ones.
_BEGINS = tuple("=+-@＝＋－＠")
Cell = str | int | float | date | datetime | None


def as_csv(names: Iterable[str], rows: Iterable[Iterable[Cell]], decimal: str = ".") -> bytes:
    """UTF-8 with a byte order mark, so that spreadsheets read it as such; days are ISO 8601.

    With a `decimal` comma semicolons are between the cells: what spreadsheets take for a table where people write so.
    """
    written = io.StringIO()
    out = csv.writer(written, delimiter=";" if decimal == "," else ",")
    out.writerow(map(_safe, names))
    for row in rows:
        cells = map(_safe, row)
        out.writerow(str(cell).replace(".", decimal) if isinstance(cell, float) else cell for cell in cells)
    return b"\xef\xbb\xbf" + written.getvalue().encode()


def _safe(cell: Cell) -> str | int | float:
    """Words that a spreadsheet would run as a formula get an apostrophe before them (OWASP, "CSV injection")."""
    if cell is None:
        return ""
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str):
        return f"'{cell}" if cell.lstrip().startswith(_BEGINS) or cell.startswith(("\t", "\r", "\n")) else cell
    return round(cell, 6) if isinstance(cell, float) else cell
