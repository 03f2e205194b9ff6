"""The scale benchmark forgets no read, and runs."""

import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from db import (
    accounts,
    adoption_queries,
    energy_queries,
    grid,
    keys,
    limits,
    people,
    prices,
    queries,
    request_pages,
)
from db.connect import connect
from db.sample import write_large_sample
from tests.benchmarks.scale_queries import queries_of, subject_of

MODULES = (
    queries,
    request_pages,
    adoption_queries,
    energy_queries,
    prices,
    grid,
    people,
    keys,
    limits,
    accounts,
)
SLOW_ON_PURPOSE = {"accounts.check_password"}  # argon2, and no matter of the ledger's size


def reads_of(module: ModuleType) -> set[str]:
    """Functions of the module that take an engine first and no actor: they change nothing."""

    def is_read(function: Any) -> bool:
        names = list(inspect.signature(function).parameters)
        return names[:1] == ["engine"] and "actor" not in names

    short = module.__name__.removeprefix("db.")
    return {
        f"{short}.{name}"
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_") and is_read(function)
    }


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scale") / "sample-1e3.db"
    write_large_sample(f"sqlite:///{path}", 1_000, developers=20, days=40)
    return path


def test_the_benchmark_asks_every_public_read(sample: Path) -> None:
    engine = connect(f"sqlite:///{sample}", read_only=True)
    asked = {query.function for query in queries_of(engine, subject_of(engine))}
    there = set().union(*map(reads_of, MODULES)) - SLOW_ON_PURPOSE - {"queries.read_frame"}
    assert there - asked == set()
    pages = {"overview", "energy", "team", "my_usage"}
    assert asked - there == {f"{page}.compute" for page in pages}


def test_no_two_queries_have_one_name(sample: Path) -> None:
    engine = connect(f"sqlite:///{sample}", read_only=True)
    names = [query.name for query in queries_of(engine, subject_of(engine))]
    assert len(names) == len(set(names))


@pytest.mark.slow
def test_the_benchmark_prints_a_line_for_each_query_and_the_bytes_of_a_request(
    sample: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.scale", "--rows", "1000", "--repetitions", "2",
         "--folder", str(sample.parent)],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "| overview.compute (all, Europe/Berlin) |" in done.stdout
    assert "bytes a request" in done.stdout
