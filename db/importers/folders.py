"""Where the tools of this machine's user keep their logs.

Claude Code: CLAUDE_CONFIG_DIR (several, by commas, as ccusage reads it), else ~/.config/claude and
~/.claude; in `projects`. Codex: CODEX_HOME, else ~/.codex; in `sessions` and `archived_sessions`.
"""

import os
from pathlib import Path

from db.importers import claude_code, codex
from db.importers.reading import UsageFile

_SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".txt", ".gz")


def usual_logs() -> dict[str, list[UsageFile]]:
    """Files by kind, in the usual folders."""
    named = os.environ.get("CLAUDE_CONFIG_DIR", "").split(",")
    claude = [Path(one.strip()).expanduser() for one in named if one.strip()] or [
        Path("~/.config/claude").expanduser(),
        Path("~/.claude").expanduser(),
    ]
    home = Path(os.environ.get("CODEX_HOME") or "~/.codex").expanduser()
    return {
        claude_code.NAME: _below([folder / "projects" for folder in claude], "*.jsonl"),
        codex.NAME: _below([home / "sessions", home / "archived_sessions"], "rollout-*.jsonl"),
    }


def files_at(path: Path) -> list[UsageFile]:
    """The file itself, or all in a folder that may be one to import."""
    if not path.is_dir():
        return [UsageFile.at(path)]
    return [
        UsageFile.at(found)
        for found in sorted(path.rglob("*"))
        if found.is_file() and found.suffix.lower() in _SUFFIXES
    ]


def _below(folders: list[Path], pattern: str) -> list[UsageFile]:
    paths = {
        path.resolve()
        for folder in folders
        if folder.is_dir()
        for path in folder.rglob(pattern)
        if path.is_file()
    }
    return [UsageFile.at(path) for path in sorted(paths)]
