"""The house rules that no linter knows: sizes, names, and who may touch what. The layers themselves are kept by import-linter."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
NAMES_THAT_SAY_NOTHING = {"utils", "helpers", "common", "misc", "manager", "core"}
BROAD_BORDERS = {"app/chat/answers/engine.py", "app/chat/answers/generation.py", "app/error_pages.py"}
# Beside the settings: backup.py hands the environment on to pg_dump, wheels.py to pip, and child.py is a program of its own.
ENVIRONMENT_READERS = {"app/config.py", "app/backup.py", "app/chat/embedded/wheels.py", "app/chat/embedded/child.py"}
REQUEST_READERS = re.compile(
    r"app/(\w+/)?(\w*routes|\w*api|forms)\.py|app/auth/known_devices\.py|app/(access|assets|audit|error_pages|factory|rate_limit|request_body|security|sessions)\.py"
)
INLINE = re.compile(
    r"<style|\sstyle=|\son[a-z]+=[\"']|javascript:|<script(?![^>]*\s(src=|type=\"application/json\"))", re.I
)


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _sources(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if "versions" not in path.parts]


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _nodes(*folders: str) -> Iterator[tuple[str, ast.AST]]:
    for path in _sources(*folders):
        for node in ast.walk(_tree(path)):
            yield _relative(path), node


def test_files_are_short() -> None:
    folders = ("app", "tests", "scripts", "frontend/src", "frontend/styles", "frontend/test")
    kinds = {".py", ".ts", ".css", ".html", ".mjs"}
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in kinds]
    assert paths
    lines = {
        _relative(path): path.read_text(encoding="utf-8").count("\n") for path in paths if "dist" not in path.parts
    }
    assert {name: count for name, count in lines.items() if count > MAX_FILE_LINES} == {}


def test_functions_are_short() -> None:
    functions = [
        (f"{name}:{node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for name, node in _nodes("app", "scripts", "tests")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(functions) > 100
    assert [found for found in functions if found[1] > MAX_FUNCTION_LINES] == []


def test_names_say_something() -> None:
    parts = [part for path in _sources("app", "tests", "scripts") for part in (path.stem, path.parent.name)]
    assert NAMES_THAT_SAY_NOTHING.isdisjoint(parts)


def test_only_the_borders_catch_everything() -> None:
    broad = {
        name
        for name, node in _nodes("app")
        if isinstance(node, ast.ExceptHandler) and _names_of(node.type) & {"", "Exception", "BaseException"}
    }
    assert broad - BROAD_BORDERS == set()


def _names_of(caught: ast.expr | None) -> set[str]:
    """Give the names of what an `except` catches, '' for a bare one."""
    if caught is None:
        return {""}
    return {node.id for node in ast.walk(caught) if isinstance(node, ast.Name)}


def test_only_the_settings_read_the_environment() -> None:
    readers = {name for name, node in _nodes("app") if _reads_environment(node)}
    assert readers - ENVIRONMENT_READERS == set()


def _reads_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and (node.value.id, node.attr) in {("os", "environ"), ("os", "getenv")}
    imported = (
        {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) and node.module == "os" else set()
    )
    return not imported.isdisjoint({"environ", "getenv"})


def test_only_the_edge_sees_requests() -> None:
    seen = {
        name
        for name, node in _nodes("app")
        if isinstance(node, ast.ImportFrom)
        and node.module == "flask"
        and {alias.name for alias in node.names} & {"request", "session", "g", "has_request_context"}
    }
    assert {name for name in seen if not REQUEST_READERS.fullmatch(name)} == set()


def test_models_and_routes_never_commit() -> None:
    commits = {
        name
        for name, node in _nodes("app")
        if isinstance(node, ast.Attribute) and node.attr == "commit" and re.search(r"models/|routes\.py|api\.py", name)
    }
    assert commits == set()


def test_templates_have_nothing_inline() -> None:
    templates = sorted((ROOT / "app/templates").rglob("*.html"))
    assert templates
    inline = {
        _relative(path): found[0] for path in templates if (found := INLINE.search(path.read_text(encoding="utf-8")))
    }
    assert inline == {}


@pytest.mark.parametrize("code", ['<p style="a">', "<p onclick='x'>", "<script>x</script>", '<a href="javascript:x">'])
def test_the_rule_for_templates_finds(code: str) -> None:
    assert INLINE.search(code)


@pytest.mark.parametrize(
    "code", ['<script type="module" src="/x.js">', '<script type="application/json">', "<p data-on='x'>"]
)
def test_the_rule_for_templates_lets_pass(code: str) -> None:
    assert not INLINE.search(code)


def test_the_layers_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
