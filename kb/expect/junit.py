"""A run as JUnit XML, as GitHub and GitLab read it: a suite an article, a case an entry, with file and line."""

from __future__ import annotations

import re
from collections.abc import Container
from itertools import groupby
from xml.etree import ElementTree as Xml

from kb.expect.comparison import Comparison
from kb.expect.outcomes import EntryName, Outcome, Run
from kb.expect.report import Shown, instead, mend, told, visible

#: What XML 1.0 cannot hold, however it is written.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(run: Run, shown: Shown, comparison: Comparison | None = None, strict: bool = False) -> str:
    """The whole document. With a comparison, what failed before or tipped over is a skipped case, unless `strict`.

    But for `file` and `line` of a case, which GitLab and actions for GitHub read, it is as Jenkins' junit-10.xsd says.
    """
    known: dict[EntryName, str] = {}
    if comparison is not None and not strict:
        known |= {pair.after.name: "It failed before" for pair in comparison.still_failing}
        known |= {pair.after.name: "It tipped over, by no change of its own" for pair in comparison.tipped}
    known_files = set() if strict or comparison is None else {one.path for one in comparison.untested_before}
    root = Xml.Element("testsuites", name="firstline test")
    for key, outcomes in groupby(run.outcomes, key=lambda outcome: outcome.key):
        cases = list(outcomes)
        suite = _suite(root, shown(cases[0].path), str(key), cases, known)
        for outcome in cases:
            _case(suite, outcome, shown, known.get(outcome.name, ""))
    for one in run.untested:
        file = _written(shown(one.path))
        suite = Xml.SubElement(
            root, "testsuite", name=file, tests="1", failures="0", errors="0", skipped="0", file=file
        )
        case = Xml.SubElement(
            suite, "testcase", name="its questions", classname=file, file=file, line=str(one.line or 1)
        )
        found = "skipped" if one.path in known_files else "error"
        suite.set("skipped" if found == "skipped" else "errors", "1")
        Xml.SubElement(case, found, message=_written(f"{one.reason}: {one.detail}")).text = _written(str(one))
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _suite(root: Xml.Element, file: str, name: str, cases: list[Outcome], known: Container[EntryName]) -> Xml.Element:
    failing = [outcome for outcome in cases if not outcome.passed]
    skipped = sum(outcome.name in known for outcome in failing)
    counts = {"tests": len(cases), "failures": len(failing) - skipped, "errors": 0, "skipped": skipped}
    suite = Xml.SubElement(root, "testsuite", name=_written(name), file=_written(file))
    for attribute, count in counts.items():
        suite.set(attribute, str(count))
    return suite


def _case(suite: Xml.Element, outcome: Outcome, shown: Shown, known: str) -> None:
    file = _written(shown(outcome.path))
    name = visible(outcome.text) if outcome.kind == "question" else f"not for: {visible(outcome.text)}"
    case = Xml.SubElement(suite, "testcase", name=_written(name), classname=_written(str(outcome.key)), file=file)
    case.set("line", str(outcome.line or 1))
    if outcome.passed:
        return
    words = "\n".join(filter(None, (told(outcome), instead(outcome, shown), f"fix: {mend(outcome, shown)}")))
    if known:
        Xml.SubElement(case, "skipped", message=_written(f"{known}: {told(outcome)}"))
    else:
        Xml.SubElement(case, "failure", message=_written(told(outcome)), type=outcome.kind).text = _written(words)


def _written(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)
