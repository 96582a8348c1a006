"""Runs and comparisons as the object that --json prints; paths are below the source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kb.expect.comparison import Comparison, Pair
from kb.expect.outcomes import Outcome, Run
from kb.models import Skipped


def run_json(run: Run) -> dict[str, Any]:
    """A run as --json prints it; paths are below the source."""
    return {
        "snapshot": run.snapshot,
        "k": run.k,
        "questions": run.count("question"),
        "not_for": run.count("not_for"),
        "passed": len(run.outcomes) - len(run.failures),
        "failed": len(run.failures),
        "failures": [_outcome_json(outcome) for outcome in run.failures],
        "untested": [_skipped_json(one) for one in run.untested],
    }


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """A comparison as --json prints it; `was` is the place before."""

    def pairs(listed: Sequence[Pair]) -> list[dict[str, Any]]:
        return [{**_outcome_json(pair.after), "was": pair.before.place} for pair in listed]

    return {
        "stolen": [
            {
                **_outcome_json(theft.victim.after),
                "was": theft.victim.before.place,
                "thief": {
                    "id": theft.thief.key.id,
                    "lang": theft.thief.key.lang,
                    "path": theft.thief.path,
                    "how": theft.thief.how,
                    "questions": list(theft.thief.questions),
                },
            }
            for theft in comparison.stolen
        ],
        "worse": pairs(comparison.worse),
        "tipped": pairs(comparison.tipped),
        "better": pairs(comparison.better),
        "moved": pairs(comparison.moved),
        "still_failing": pairs(comparison.still_failing),
        "new": [_outcome_json(outcome) for outcome in comparison.new],
        "removed": [_outcome_json(outcome) for outcome in comparison.removed],
        "untested": [_skipped_json(one) for one in comparison.untested],
        "untested_before": [_skipped_json(one) for one in comparison.untested_before],
    }


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    rival = outcome.rival
    return {
        "article": outcome.key.id,
        "lang": outcome.key.lang,
        "path": outcome.path,
        "line": outcome.line,
        "kind": outcome.kind,
        "text": outcome.text,
        "passed": outcome.passed,
        "place": outcome.place,
        "confidence": outcome.confidence,
        "above": list(outcome.above),
        "rival": rival
        and {
            "article": rival.key.id,
            "lang": rival.key.lang,
            "path": rival.path,
            "title": rival.title,
            "part": rival.part,
            "text": rival.text,
        },
        "same_words": [{"path": twin.path, "line": twin.line, "part": twin.part} for twin in outcome.twins],
    }


def _skipped_json(skipped: Skipped) -> dict[str, Any]:
    return {"path": skipped.path, "line": skipped.line, "reason": skipped.reason, "detail": skipped.detail}
