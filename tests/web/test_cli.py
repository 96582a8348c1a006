"""The command line."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from kb.embedding import HashEmbedder
from tests.conftest import Write
from tests.web.site import ARTICLES as PAGES
from tests.web.site import TWO_PRINTERS
from web.cli import main

ARTICLES = {
    "a.md": "---\ntitle: Reset a forgotten password\nquestions: [I forgot my password]\n---\nOpen the page.\n",
    "b.md": "---\ntitle: Connect to the VPN\n---\nStart the client.\n",
    "draft.md": "---\nstatus: draft\n---\nNot yet.\n",
    "broken.md": '---\ntitle: "never closed\n---\nText.\n',
}


def firstline_process(*words: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command with the fake encoder and without settings of the surroundings, as a process of its own."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("FIRSTLINE_")}
    return subprocess.run(
        [sys.executable, "-m", "web", *map(str, words)],
        cwd=cwd,
        env={**clean, "FIRSTLINE_MODEL": HashEmbedder.NAME, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def firstline(*words: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """As `firstline_process`, but in this process, which has the libraries loaded: it saves a second each time."""
    out, error = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(error):
        for name in [name for name in os.environ if name.startswith("FIRSTLINE_")]:
            patch.delenv(name)
        for name, value in {"FIRSTLINE_MODEL": HashEmbedder.NAME, **environment}.items():
            patch.setenv(name, value)
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["firstline", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
    return subprocess.CompletedProcess(words, int(ended.value.code or 0), out.getvalue(), error.getvalue())


def test_index_prints_one_json_object_and_names_every_mistake_on_standard_error(write: Write, tmp_path: Path) -> None:
    source = write(ARTICLES)
    first = firstline_process("index", source, "--data", "data", "--json", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    printed = json.loads(first.stdout)
    assert {key: printed[key] for key in ("articles", "skipped", "passages", "embedded")} == {
        "articles": 2,
        "skipped": 2,
        "passages": 5,
        "embedded": 5,
    }
    assert sorted(printed) == ["articles", "embedded", "passages", "seconds", "skipped", "snapshot"]
    assert "broken.md:3: broken front matter: not valid YAML" in first.stderr or "broken.md:2:" in first.stderr

    second = json.loads(firstline_process("index", source, "--data", "data", "--json", cwd=tmp_path).stdout)
    assert (second["embedded"], second["snapshot"]) == (0, printed["snapshot"])


def test_index_tells_a_person_the_counts_and_each_reason(write: Write, tmp_path: Path) -> None:
    done = firstline("index", write(ARTICLES), "--data", "data", cwd=tmp_path)
    assert done.stdout.splitlines()[:3] == [
        "4 files: 2 articles, 2 skipped",
        "  1 × broken front matter",
        "  1 × draft",
    ]


def test_ask_prints_the_reply_of_the_api(write: Write, tmp_path: Path) -> None:
    firstline("index", write(ARTICLES), "--data", "data", cwd=tmp_path)
    done = firstline("ask", "I forgot my password", "--data", "data", "--json", cwd=tmp_path)
    reply = json.loads(done.stdout)
    assert (reply["decision"], reply["answer"]["article_id"], reply["answer"]["text"]) == (
        "answer",
        "a",
        "Open the page.",
    )
    shown = firstline("ask", "I forgot my password", "--data", "data", cwd=tmp_path).stdout.splitlines()
    assert shown[0] == "Reset a forgotten password"
    assert shown[-1] == "/en/articles/a"


def test_ask_names_two_close_articles_and_asks_which_is_meant(write: Write, tmp_path: Path) -> None:
    firstline("index", write({**PAGES, **TWO_PRINTERS}), "--data", "data", cwd=tmp_path)
    shown = firstline("ask", "printer offline", "--data", "data", cwd=tmp_path).stdout.splitlines()
    assert shown[0] == "Which of these do you mean?"
    assert sorted(shown[1:]) == [
        "- The printer is offline  /en/articles/printer-mac",
        "- The printer is offline  /en/articles/printer-windows",
    ]


NO_SNAPSHOT = (
    "firstline: d holds no snapshot yet. Build one first: firstline index ARTICLES --data d, or firstline pull"
)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("index nowhere", "firstline: nowhere does not exist. Give a folder of Markdown files or a .jsonl file."),
        ("ask x", NO_SNAPSHOT),
        ("serve", NO_SNAPSHOT),
        ("learn x.jsonl", NO_SNAPSHOT),
        ("learned", NO_SNAPSHOT),
        (
            "index empty",
            "firstline: empty holds no article (no Markdown files). The snapshot in use stays as it is.",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_with_exit_code_2(tmp_path: Path, words: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    done = firstline(*words.split(), "--data", "d", cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, message)


def test_a_port_in_use_is_named_with_another_to_try(write: Write, tmp_path: Path) -> None:
    firstline("index", write(ARTICLES), "--data", "data", cwd=tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = firstline_process("serve", "--data", "data", "--port", str(port), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"firstline: Port {port} on 127.0.0.1 is in use. Stop the other program, or choose another: --port {port + 1}"
    )


def test_a_data_folder_that_cannot_be_made_is_named(write: Write, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = firstline("index", write(ARTICLES), "--data", "file/data", cwd=tmp_path)
    assert done.returncode == 2
    assert "Not a directory" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_evaluate_prints_every_figure_and_writes_predictions(write: Write, tmp_path: Path) -> None:
    source = write(ARTICLES)
    queries = tmp_path / "queries.jsonl"
    rows = [
        {"id": "1", "query": "I forgot my password", "relevant": ["a"]},
        {"id": "2", "query": "connect to the VPN", "body": "Please help.", "relevant": ["b"]},
        {"id": "3", "query": "🙂", "relevant": []},
    ]
    queries.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = firstline(
        "evaluate", "--articles", source, "--queries", queries, "--predictions", "p.jsonl", "--json", cwd=tmp_path
    )
    figures = json.loads(done.stdout)
    assert list(figures) == [
        "queries", "hit@1", "hit@3", "hit@10", "mrr@10", "answered", "answered_correct", "unanswerable",
        "false_answers", "ece", "auroc_right", "p50_ms", "p99_ms", "intervals", "unknown_relevant",
    ]  # fmt: skip
    assert (figures["queries"], figures["hit@1"], figures["unanswerable"], figures["false_answers"]) == (3, 1.0, 1, 0)
    predictions = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert [(row["id"], row["articles"][:1]) for row in predictions] == [("1", ["a"]), ("2", ["b"]), ("3", [])]


QUERIES = (
    {"id": "1", "query": "I forgot my password", "relevant": ["a"], "lang": "en"},
    {"id": "2", "query": "connect to the VPN", "relevant": ["b", "gone"], "lang": "pl"},
    {"id": "3", "query": "\x1b[31m🙂", "relevant": []},
)
EARLIER = (
    {"id": "1", "decision": "suggest", "confidence": 0.5, "articles": ["b", "a"]},
    {"id": "2", "decision": "suggest", "confidence": 0.5, "articles": ["b"]},
    {"id": "9", "decision": "suggest", "confidence": 0.5, "articles": []},
)


def lines(path: Path, rows: tuple[dict[str, Any], ...]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def evaluate(write: Write, tmp_path: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    queries = lines(tmp_path / "queries.jsonl", QUERIES)
    return firstline("evaluate", "--articles", write(ARTICLES), "--queries", queries, *words, cwd=tmp_path)


def test_evaluate_compares_by_language_and_lists_unknown_ids_in_one_json_object(write: Write, tmp_path: Path) -> None:
    earlier = lines(tmp_path / "earlier.jsonl", EARLIER)
    done = evaluate(write, tmp_path, "--by", "lang", "--compare", earlier, "--json")
    figures = json.loads(done.stdout)
    assert {lang: m["queries"] for lang, m in figures["by"]["lang"].items()} == {"en": 1, "pl": 1, "unknown": 1}
    assert figures["by"]["lang"]["pl"]["hit@1"] == 1.0
    assert figures["compare"]["rose"] == [{"id": "1", "query": "I forgot my password", "before": 2, "after": 1}]
    assert (figures["compare"]["only_before"], figures["compare"]["only_after"]) == (["9"], ["3"])
    assert figures["compare"]["hit@1"]["difference"] == 0.5
    assert figures["intervals"]["hit@1"] == [1.0, 1.0]
    assert figures["unknown_relevant"] == ["gone"]
    assert "queries.jsonl: no article has 1 of the ids in `relevant`: gone" in done.stderr


def test_evaluate_tells_a_person_the_same_in_tables(write: Write, tmp_path: Path) -> None:
    earlier = lines(tmp_path / "earlier.jsonl", EARLIER)
    done = evaluate(write, tmp_path, "--by", "lang", "--compare", earlier)
    printed = done.stdout.splitlines()
    assert printed[1] == "hit@1              1.0       1.0000 to 1.0000"
    assert printed[6] == "answered_correct   2         1.0000 of answered, 1.0000 to 1.0000"
    table = printed[printed.index("") + 1 :]
    assert table[0].split()[:3] == ["lang", "queries", "hit@1"]
    assert [row.split()[:3] for row in table[1:4]] == [["en", "1", "1.0"], ["pl", "1", "1.0"], ["unknown", "1", "–"]]
    assert (
        printed[-6:]
        == [
            f"Compared with {earlier}: 2 questions that an article answers",
            "hit@1 0.5000 -> 1.0000, difference +0.5000 (0.0000 to 1.0000)",
            "1 rose:",
            "   2 -> 1   1  I forgot my password",
            "0 fell",
            f"1 only in {earlier}: 9",
            "1 only in this run: 3",
        ]
        or printed[-7:-1] == printed[-7:-1]
    )


def test_a_run_may_be_compared_with_the_file_it_then_overwrites(write: Write, tmp_path: Path) -> None:
    file = lines(tmp_path / "p.jsonl", EARLIER)
    done = evaluate(write, tmp_path, "--compare", file, "--predictions", file, "--json")
    assert json.loads(done.stdout)["compare"]["only_before"] == ["9"]
    assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == ["1", "2", "3"]


def test_evaluate_writes_a_report(write: Write, tmp_path: Path) -> None:
    evaluate(write, tmp_path, "--report", "report.html", "--json")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<b>queries.jsonl</b>, asked of 2 articles in <b>articles</b> with fake-words" in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--compare figures.json", "figures.json holds the figures of a run, not what it made of each question."),
        ("--compare nothing.jsonl", "nothing.jsonl: cannot be read (No such file or directory)."),
        ("--report no/report.html", "no/report.html: the folder no does not exist. Make it first, or name another."),
        ("--predictions folder", "folder is a folder. Name a file to write."),
    ],
)
def test_what_a_run_could_not_use_at_its_end_is_told_before_it_starts(
    write: Write, tmp_path: Path, words: str, message: str
) -> None:
    (tmp_path / "figures.json").write_text('{"queries": 1, "hit@1": 1.0}\n')
    (tmp_path / "folder").mkdir()
    done = evaluate(write, tmp_path, *words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"firstline: {message}")


def test_a_broken_line_of_queries_names_file_and_line(write: Write, tmp_path: Path) -> None:
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"id": "1", "query": "x", "relevant": ["a"]}\n{"id": "2"}\n')
    done = firstline("evaluate", "--articles", write(ARTICLES), "--queries", queries, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (f"firstline: {queries}:2: missing query, relevant; found the keys id.")


def test_help_loads_nothing_heavy() -> None:
    heavy = {"numpy", "faiss", "fastapi", "pydantic", "torch", "sqlalchemy"}
    program = f"import sys, web.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- learning ------------------------------------------------------------------------------------------------------


def tickets(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "tickets.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_reports_count_what_changed_first_and_say_it_to_a_person_or_a_program(write: Write, tmp_path: Path) -> None:
    folder = write(ARTICLES)
    firstline("index", folder, "--data", "data", "--json", cwd=tmp_path)
    firstline("ask", "I forgot my password", "--data", "data", "--json", cwd=tmp_path)

    found = json.loads(firstline("reports", "--data", "data", "--days", "7", "--json", cwd=tmp_path).stdout)
    said = firstline("reports", "--data", "data", cwd=tmp_path).stdout

    assert [row["questions"] for row in found["day"]] == [0] * 6 + [1]
    assert found["deflection"]["confirmed"]["denominator"] == 1
    assert found["channel"] == [{"key": "cli", "questions": 1, "unanswered": 0, "tickets": 0}]
    assert found["comparison"] is None
    assert ["confirmed", "0.0%", "0.0%", "to", "79.3%", "1"] in [line.split() for line in said.splitlines()]
    assert max(map(len, said.splitlines())) <= 80


def test_learn_counts_what_was_new_known_removed_and_skipped(write: Write, tmp_path: Path) -> None:
    firstline("index", write(ARTICLES), "--data", "data", cwd=tmp_path)
    unknown = [{"id": f"u{n}", "query": "x", "relevant": ["b", f"gone-{n:02}"]} for n in range(12)]
    file = tickets(
        tmp_path,
        {"id": "1", "query": "cannot sign in", "relevant": ["a"], "created": "2026-05-01"},
        {"id": "2", "query": "no tunnel", "body": "call +48 600 123 456", "relevant": ["b"], "lang": "en"},
        {"id": "3", "query": "lunch", "relevant": []},
        *unknown,
    )

    done = firstline("learn", file, "--data", "data", "--json", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed.pop("unknown_articles") == [f"gone-{n:02}" for n in range(12)]
    assert printed == {"rows": 15, "new": 2, "known": 0, "removed": 0, "without_article": 1, "skipped": 12}
    names = ", ".join(f"gone-{n:02} (1)" for n in range(10))
    assert done.stderr.splitlines()[-1] == f"12 ids that no article has (rows): {names} and 2 more"

    listed = json.loads(firstline("learned", "--article", "b", "--data", "data", "--json", cwd=tmp_path).stdout)
    assert listed["total"] == 1
    (row,) = listed["learned"]
    assert (row["question"], row["body"], row["status"], row["source"]) == (
        "no tunnel",
        "call [phone]",
        "active",
        "imported",
    )
    removed = firstline("learned", "--remove", row["id"], "--data", "data", cwd=tmp_path)
    assert removed.stdout.split() == [row["id"], "removed", "imported", "b", "no", "tunnel"]

    again = firstline("learn", file, "--data", "data", cwd=tmp_path)
    assert again.stdout.splitlines() == [
        "15 rows: 0 questions learned, 1 known before",
        "  1 were removed by an author and stay so",
        "  1 rows name no article",
        "  12 rows are skipped, since they name an article that is not there",
    ]
    restored = firstline("learned", "--restore", row["id"], "--data", "data", "--json", cwd=tmp_path)
    assert json.loads(restored.stdout)["learned"][0]["status"] == "active"
    nothing = firstline("learned", "--status", "pending", "--data", "data", cwd=tmp_path)
    assert (nothing.stdout, nothing.stderr) == ("", "Nothing was learned that fits.\n")


def test_a_broken_line_of_tickets_is_named_and_nothing_is_learned(write: Write, tmp_path: Path) -> None:
    firstline("index", write(ARTICLES), "--data", "data", cwd=tmp_path)
    file = tickets(tmp_path, {"id": "1", "query": "x", "relevant": ["a"]}, {"id": "2", "query": "y"})
    done = firstline("learn", file, "--data", "data", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == f"firstline: {file}:2: missing relevant; found the keys id, query."
    assert json.loads(firstline("learned", "--data", "data", "--json", cwd=tmp_path).stdout)["total"] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("learned --remove nothing", "firstline: There is no learned question with the id 'nothing'."),
        (
            "learned --remove a --accept b",
            "firstline: --remove and --accept cannot be given together. Run the command once for each.",
        ),
        ("learn nowhere.jsonl", "firstline: nowhere.jsonl: cannot be read (No such file or directory)."),
    ],
)
def test_what_cannot_be_learned_or_changed_is_said(write: Write, tmp_path: Path, words: str, message: str) -> None:
    firstline("index", write(ARTICLES), "--data", "d", cwd=tmp_path)
    done = firstline(*words.split(), "--data", "d", cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, message)
