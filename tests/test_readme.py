"""The README promises nothing that the product does not have."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from db.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def test_every_option_stands_in_the_readme_with_its_meaning() -> None:
    for name, field in Settings.model_fields.items():
        row = re.search(rf"\| `BREAKEVEN_{name.upper()}` \|.*\|", README)
        assert row, f"BREAKEVEN_{name.upper()} is missing"
        assert str(field.description) in row[0]


def test_every_picture_in_the_readme_exists() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).is_file(), picture


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
