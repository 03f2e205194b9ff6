"""The README promises nothing that the product does not have."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from db.settings import Settings, options_table
from engine.api.upstreams.config import UpstreamConfig

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def test_every_option_stands_in_the_readme_as_the_product_tells_it() -> None:
    assert options_table() in README
    for name, field in Settings.model_fields.items():
        assert f"| `BREAKEVEN_{name.upper()}` | `{name}` |" in README
        assert str(field.description) in README


def test_every_picture_in_the_readme_exists() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).is_file(), picture


def test_the_sample_of_upstreams_is_one() -> None:
    samples = [tomllib.loads(text) for text in re.findall(r"```toml\n(.+?)```", README, re.DOTALL)]
    (listed,) = [sample["upstream"] for sample in samples if "upstream" in sample]
    assert [UpstreamConfig.model_validate(table).url for table in listed]


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`python -m ([\w. ]+?)[ `]", README))))
def test_every_command_in_the_readme_exists(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command.split(), "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_file_for_a_server_is_told_of() -> None:
    told = set(re.findall(r"\| `(\.deploy/[\w.]+)` \|", README))
    assert told == {f".deploy/{path.name}" for path in (ROOT / ".deploy").iterdir()}
