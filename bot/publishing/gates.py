"""What articles have to pass before they are published: the check of the files, and the test of the questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from bot.publishing.publication import Finding, Severity
from kb.articles import declared, load
from kb.check import CheckSettings
from kb.check import check as check_files
from kb.expect import Outcome, compare, report
from kb.expect import run as ask
from kb.expect.comparison import Theft
from kb.models import PUBLIC, Article, ArticleKey
from kb.sheets import Progress
from kb.snapshot import Snapshot


def check(source: Path, settings: CheckSettings, today: date) -> tuple[tuple[Finding, ...], bool]:
    """What `firstline check` finds in a source, errors first, and whether it fails.

    Raises SourceError or EvaluationFileError.
    """
    found = check_files(source, settings, today=today)
    articles = load(source, default_lang=settings.default_lang).articles
    restricted = [article for article in articles if article.audience != PUBLIC]
    own = {article.path: article.audience for article in articles}
    findings = [
        Finding(
            one.path,
            one.line,
            one.rule,
            one.severity,
            one.message,
            one.fix,
            tuple(
                sorted(
                    {
                        own.get(one.path) or declared(source, one.path),
                        *_named(f"{one.message} {one.fix}", restricted),
                    }
                )
            ),
        )
        for one in found.findings
    ]
    return tuple(sorted(findings, key=lambda finding: finding.severity != "error")), found.failed


def test(
    before: Snapshot | None, candidate: Snapshot, source: Path, k: int, progress: Progress
) -> tuple[tuple[Finding, ...], bool]:
    """Questions that find their article no more or never did, and whether the candidate is worse than what is in use.

    Where nothing is in use, nothing can be worse. What failed before and still does is not told.
    """
    after = ask(candidate, k, source, progress)
    audiences = {entry.article.key: entry.article.audience for entry in candidate.entries}

    def finding(
        outcome: Outcome, rule: str, words: tuple[str, str], severity: Severity = "error", *others: ArticleKey
    ) -> Finding:
        seen = {outcome.key, *others, *(twin.key for twin in outcome.twins)}
        seen |= {outcome.rival.key} if outcome.rival else set()
        shown = tuple(sorted({audiences[key] for key in seen if key in audiences}))
        return Finding(outcome.path, outcome.line, rule, severity, *words, shown)

    if before is None:
        return tuple(finding(one, "failing-question", _failing(one), "warning") for one in after.failures), False
    compared = compare(ask(before, k, None, progress), after)
    found = [
        *(
            finding(theft.victim.after, "stolen-question", _stolen(theft), "error", theft.thief.key)
            for theft in compared.stolen
        ),
        *(finding(pair.after, "worse-question", _failing(pair.after)) for pair in compared.worse),
        *(finding(one, "failing-question", _failing(one)) for one in compared.new_failing),
    ]
    return tuple(found), bool(found)


def _stolen(theft: Theft) -> tuple[str, str]:
    """What is wrong, and what to do."""
    thief, how = theft.thief.path, theft.thief.how
    return (
        f"“{report.visible(theft.victim.after.text)}” found this article, and finds {thief} now, which is {how}.",
        f"If {thief} answers it better, move the question there. If not, reword what is {how} in it, and add the "
        "question to its `not_for`.",
    )


def _failing(outcome: Outcome) -> tuple[str, str]:
    other = report.instead(outcome, _shown)
    kind = "`not_for` " if outcome.kind == "not_for" else ""
    words = f"{kind}“{report.visible(outcome.text)}”: {report.told(outcome)}{f'; {other}' if other else ''}."
    return words, report.mend(outcome, _shown)


def _shown(path: str) -> str:
    return path


def _named(text: str, articles: Iterable[Article]) -> Iterator[str]:
    """The audiences of articles that a text names by path, id or title."""
    for article in articles:
        if any(name in text for name in (article.path, article.id, article.title)):
            yield article.audience
