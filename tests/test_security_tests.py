"""docs/security-tests.md names tests that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| (\d+) \| .+ \|$", re.MULTILINE)
NAME = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ROWS = {row[1]: row[0] for row in ROW.finditer((ROOT / "docs/security-tests.md").read_text(encoding="utf-8"))}


@pytest.mark.parametrize("number", [5, 6, 9, *range(16, 28)])
def test_each_attack_has_tests_that_are_there(number: int) -> None:
    named = NAME.findall(ROWS[str(number)])

    assert named
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, f"{path}::{name}"
