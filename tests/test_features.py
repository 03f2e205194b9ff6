"""Every feature that the README claims names the tests that prove it, and these exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests" / "engine" / "api"
TITLE = "## What works as at the vendor"


def features() -> list[list[str]]:
    """The cells of each row."""
    _, _, after = (ROOT / "README.md").read_text().partition(TITLE)
    section = after.partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_there_is_a_table_of_features() -> None:
    assert len(features()) > 30
    assert len({row[0] for row in features()}) == len(features()), "one row a feature"


@pytest.mark.parametrize("row", features(), ids=lambda row: row[0])
def test_a_feature_names_tests_that_exist(row: list[str]) -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", row[-1])
    assert named, "a feature without a test"
    for file, function in named:
        assert (TESTS / file).is_file(), file
        assert function in functions(TESTS / file), f"{file}::{function}"
        assert function.startswith("test_")
