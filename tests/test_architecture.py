"""Imports point one way: web -> bot -> kb."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

#: What the modules of a package may not import, in whatever place.
_FORBIDDEN = {
    "kb": {"bot", "web", "tests", "fastapi", "starlette", "pydantic", "sqlalchemy", "typer", "uvicorn"},
    "bot": {"web", "tests", "fastapi", "starlette", "pydantic", "typer", "uvicorn", "jinja2"},
    "web": {"tests"},
}
#: Modules that may use what only a build needs.
_MAY_USE_TORCH = {"kb/export.py", "kb/train.py"}
_HEAVY = {"torch", "sentence_transformers", "transformers", "onnx", "onnxscript"}


def _imported(path: Path) -> set[str]:
    """The top packages a module imports, those within functions and of relative imports too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0] if not node.level else path.parent.name)
    return found


def _modules() -> list[Path]:
    return sorted(path for package in _FORBIDDEN for path in (PROJECT / package).rglob("*.py"))


@pytest.mark.parametrize("path", _modules(), ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_a_module_imports_nothing_from_above(path: Path) -> None:
    package = path.relative_to(PROJECT).parts[0]
    assert _imported(path) & _FORBIDDEN[package] == set()


@pytest.mark.parametrize("path", _modules(), ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_only_the_build_knows_torch(path: Path) -> None:
    used = _imported(path) & _HEAVY
    assert used == set() or path.relative_to(PROJECT).as_posix() in _MAY_USE_TORCH


def test_the_walk_sees_every_kind_of_import(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        "import a.b as c, d\nfrom e.f import g\nif d:\n    def f():\n        from h import i\n        import j\n"
    )
    assert _imported(path) == {"a", "d", "e", "h", "j"}
    assert _imported(PROJECT / "bot" / "service.py") & {"kb", "bot"} == {"kb", "bot"}
    assert _imported(PROJECT / "kb" / "export.py") & _HEAVY >= {"torch", "sentence_transformers"}


_SERVE = """
import sys
from pathlib import Path
from kb.search import Query, Searcher
from kb.snapshot import open_current

searcher = Searcher(open_current(Path(sys.argv[1])))
ranking = searcher.rank(Query("I forgot my password"))
print(searcher.entry(ranking.hits[0].article).article.id)
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_opening_a_snapshot_and_asking_it_never_imports_what_only_a_build_needs(own_data: Path) -> None:
    command = [sys.executable, "-c", _SERVE, str(own_data)]
    answer, modules = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert answer == "reset-password"
    assert set(modules.split()) & (_HEAVY | {"scipy", "sklearn", "sqlalchemy", "fastapi"}) == set()
    assert set(modules.split()) >= {"onnxruntime", "tokenizers", "faiss"}


def test_the_build_itself_is_imported_without_torch() -> None:
    script = "import sys, kb.build; print(*{name.split('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", script]
    modules = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert set(modules.split()) & _HEAVY == set()
