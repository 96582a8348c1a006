"""The numbers of the reports once more, slowly: plain SQL over the events, in SQLite's dialect.

It shares no code with `bot.reports`. The clock of the desk is a table of quarters of an hour, made with zoneinfo.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

_CLOCK = """
CREATE TEMP TABLE clock (quarter TEXT PRIMARY KEY, day TEXT, hour INT, weekday INT, week TEXT, month TEXT)
"""
_QUARTER = """substr({at}, 1, 14) || CASE WHEN substr({at}, 15, 2) < '15' THEN '00' WHEN substr({at}, 15, 2) < '30'
THEN '15' WHEN substr({at}, 15, 2) < '45' THEN '30' ELSE '45' END"""
_LATER = "strftime('%Y-%m-%d %H:%M:%S.000000', q.at, '{days}')"
_FOLLOWS = """EXISTS (SELECT 1 FROM tickets t WHERE t.question_id = q.id AND t.at >= q.at AND t.at < {until})
OR (q.session != '' AND EXISTS (SELECT 1 FROM tickets t
WHERE t.session = q.session AND t.at >= q.at AND t.at < {until}))"""
_ASKED = f"""
CREATE TEMP TABLE asked AS SELECT q.*, c.day, c.hour, c.weekday, c.week, c.month,
(SELECT o.outcome FROM outcomes o WHERE o.question_id = q.id AND o.outcome != 'opened' ORDER BY o.at DESC, o.id DESC
 LIMIT 1) AS said,
({_FOLLOWS.format(until=_LATER.format(days="+1 day"))}) AS in_a_day,
({_FOLLOWS.format(until=_LATER.format(days="+7 days"))}) AS in_a_week
FROM questions q JOIN clock c ON c.quarter = {_QUARTER.format(at="q.at")}
"""
_SENT = f"""
CREATE TEMP TABLE sent AS SELECT t.*, c.day, c.hour, c.weekday, c.week, c.month,
CASE WHEN coalesce(q.channel, 'agent') = 'agent' THEN '' ELSE q.channel END AS channel
FROM tickets t JOIN clock c ON c.quarter = {_QUARTER.format(at="t.at")} LEFT JOIN questions q ON q.id = t.question_id
"""
_WORD = """
CREATE TEMP TABLE words AS SELECT question_id, day, article, outcome,
row_number() OVER (PARTITION BY question_id, article, outcome = 'opened' ORDER BY at DESC, id DESC) AS latest
FROM (SELECT o.id, o.question_id, o.at, o.outcome, q.day, q.shown, q.further,
 CASE WHEN o.article_id != '' THEN o.article_id WHEN q.decision = 'answer' THEN coalesce(q.shown ->> 0, '') ELSE '' END
 AS article FROM outcomes o JOIN asked q ON q.id = o.question_id
 WHERE q.channel != 'agent')
WHERE article IN (SELECT value FROM json_each(shown)) OR article IN (SELECT value FROM json_each(further))
"""


class Recount:
    """Works on one connection, on which it makes its temporary tables first."""

    def __init__(self, connection: sa.Connection, zone: str) -> None:
        self._sql = connection.exec_driver_sql
        times = "SELECT min(at), max(at) FROM (SELECT at FROM questions UNION ALL SELECT at FROM tickets)"
        first, last = self._sql(times).one()
        self._sql(_CLOCK)
        if first:
            rows = list(_quarters(_time(first), _time(last), ZoneInfo(zone)))
            self._sql("INSERT INTO clock VALUES (?, ?, ?, ?, ?, ?)", rows)
        for statement in (_ASKED, _SENT, _WORD):
            self._sql(statement)

    def deflection(self, now: datetime, since: datetime, lang: str, channel: str) -> tuple[int, int, int, int, int]:
        query = """SELECT count(*), sum(old AND decision = 'answer'), sum(said IS 'solved'), sum(assumed),
        sum((said IS 'solved' OR assumed) AND in_a_week) FROM
        (SELECT *, at <= ? AS old, (at <= ? AND decision = 'answer' AND said IS NULL AND NOT in_a_day) AS assumed
         FROM asked WHERE json_array_length(shown) > 0 AND channel != 'agent' AND at >= ?
         AND (? = '' OR lang = ?) AND (? = '' OR channel = ?))"""
        a_day_ago = _text(now - timedelta(days=1))
        given = (a_day_ago, a_day_ago, _text(since), lang, lang, channel, channel)
        return tuple(int(number or 0) for number in self._sql(query, given).one())  # type: ignore[return-value]

    def volume(self, by: str, first: date, last: date, lang: str, channel: str) -> dict[str, tuple[int, int, int]]:
        return self._both(by, by, first, last, lang, channel, agents=False)

    def split(self, of: str, first: date, last: date, lang: str, channel: str) -> dict[str, tuple[int, int, int]]:
        if of in ("department", "ticket_topic"):
            column = "department" if of == "department" else "topic"
            return self._both("", column, first, last, lang, channel, agents=False)
        if of == "topic":
            return self._both("coalesce(shown ->> 0, '')", "", first, last, lang, channel, agents=False)
        column = "lang" if of == "language" else "channel"
        return self._both(column, column, first, last, lang, channel, agents=of == "channel")

    def _both(
        self, asked: str, sent: str, first: date, last: date, lang: str, channel: str, *, agents: bool
    ) -> dict[str, tuple[int, int, int]]:
        where = f"""day BETWEEN '{first}' AND '{last}' AND ('{lang}' = '' OR lang = '{lang}')
        AND ('{channel}' = '' OR channel = '{channel}')
        AND ({int(agents)} OR '{channel}' != '' OR channel != 'agent')"""
        found: dict[str, tuple[int, int, int]] = {}
        if asked:
            query = f"SELECT {asked}, count(*), sum(decision = 'unanswered') FROM asked WHERE {where} GROUP BY 1"
            found = {str(key): (number, unanswered, 0) for key, number, unanswered in self._sql(query)}
        if sent:
            query = f"SELECT {sent}, count(*) FROM sent WHERE {where} GROUP BY 1"
            for key, number in self._sql(query):
                found[str(key)] = (*found.get(str(key), (0, 0, 0))[:2], number)
        return found

    def articles(self, first: date, last: date, starts: datetime, ends: datetime) -> dict[str, dict[str, int]]:
        """The numbers that are not 0 of each article; `starts` and `ends` are the same days as moments."""
        between = f"day BETWEEN '{first}' AND '{last}'"
        moments = f"at >= '{_text(starts)}' AND at < '{_text(ends)}'"
        reader, latest = "asked.channel != 'agent'", "latest = 1 AND outcome ="
        votes = f"SELECT article_id, count(*) FROM article_feedback WHERE {moments}"
        found: dict[str, dict[str, int]] = {}
        for name, query in {
            "found": f"""SELECT value, count(*) FROM (SELECT DISTINCT asked.id, value FROM asked, json_each(
            (SELECT json_group_array(value) FROM (SELECT value FROM json_each(shown) UNION SELECT value FROM
            json_each(further)))) WHERE {between}) GROUP BY 1""",
            "shown": f"SELECT value, count(*) FROM asked, json_each(shown) WHERE {between} AND {reader} GROUP BY 1",
            "ticketed": f"""SELECT value, count(*) FROM asked, json_each(shown)
            WHERE {between} AND {reader} AND in_a_day GROUP BY 1""",
            "opened": f"SELECT article, count(*) FROM words WHERE {between} AND {latest} 'opened' GROUP BY 1",
            "solved": f"SELECT article, count(*) FROM words WHERE {between} AND {latest} 'solved' GROUP BY 1",
            "rejected": f"SELECT article, count(*) FROM words WHERE {between} AND {latest} 'not_solved' GROUP BY 1",
            "reads": f"SELECT article_id, sum(reads) FROM article_reads WHERE {between} GROUP BY 1",
            "helpful": f"{votes} AND helpful GROUP BY 1",
            "unhelpful": f"{votes} AND NOT helpful GROUP BY 1",
            "flags": f"SELECT article_id, count(*) FROM article_flags WHERE {moments} GROUP BY 1",
        }.items():
            for article, number in self._sql(query):
                found.setdefault(article, {})[name] = int(number)
        return found

    def hold_out(self) -> dict[bool, tuple[int, int]]:
        query = """SELECT held_out, count(*),
        sum(EXISTS (SELECT 1 FROM tickets t WHERE t.session = f.session AND t.at >= f.at))
        FROM form_sessions f GROUP BY 1"""
        return {bool(held): (came, sent) for held, came, sent in self._sql(query)}


def _quarters(first: datetime, last: datetime, zone: ZoneInfo) -> list[tuple[str, str, int, int, str, str]]:
    rows, at = [], first.replace(minute=0, second=0, microsecond=0)
    while at <= last:
        local = at.astimezone(zone)
        monday = local.date() - timedelta(days=local.weekday())
        month = local.date().replace(day=1)
        rows.append((f"{at:%Y-%m-%d %H:%M}", str(local.date()), local.hour, local.weekday(), str(monday), str(month)))
        at += timedelta(minutes=15)
    return rows


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
