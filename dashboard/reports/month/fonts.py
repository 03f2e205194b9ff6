"""Letters for the report: any name is set as it is written, or, where no font here has its script,
in Latin letters with a mark. Nothing becomes an empty box.

FiraGO (SIL Open Font License) comes with the package `pymupdf-fonts`: Latin, Greek, Cyrillic,
Devanagari, Arabic, Hebrew, Thai and Georgian. What it lacks, such as Chinese, Japanese and Korean,
is looked for among the fonts of the machine.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

from anyascii import anyascii
from fontTools.ttLib import TTCollection, TTFont, TTLibError
from pymupdf_fonts import myfont

REGULAR, BOLD = "figo", "figbo"  # what the package calls FiraGO
LATIN_MARK = "*"
FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path.home() / ".local/share/fonts",
    Path("/System/Library/Fonts"),
    Path("/Library/Fonts"),
    Path("C:/Windows/Fonts"),
)
MOST_FILES = 400  # are looked into: about 5 ms each
_SUFFIXES = (".ttf", ".otf", ".ttc")
_LIKELY = ("fallback", "cjk", "gothic", "unicode", "hei", "noto")  # these have many letters
_STYLES = ("bold", "italic", "oblique", "mono", "light", "thin", "black")
_NO_EMBEDDING = 0x0002  # OS/2 table, fsType: restricted licence
_JOINERS = "\u200c\u200d"  # they shape letters, as in Devanagari, and are none themselves


@dataclass(frozen=True, slots=True)
class FontFile:
    """A font of the machine: its file, and its number in a collection."""

    path: Path
    number: int


@dataclass(frozen=True, slots=True)
class Lettering:
    """How the texts of one document are set: `extra` fonts of the machine for what FiraGO lacks."""

    extra: tuple[FontFile, ...]
    missing: frozenset[str]

    def written(self, text: str) -> str:
        """The text in letters that there are; with a mark where some had to become Latin ones."""
        text = clean(text)
        if not self.missing.intersection(text):
            return text
        letters = [_latin(each) if each in self.missing else each for each in text]
        return f"{''.join(letters)} {LATIN_MARK}"

    def is_marked(self, texts: Iterable[str]) -> bool:
        return any(self.missing.intersection(clean(text)) for text in texts)


def lettering(texts: Iterable[str], folders: Sequence[Path] = FOLDERS) -> Lettering:
    """How to set these texts, with the fonts in these folders."""
    wanted = frozenset().union(*map(clean, texts)) - _covered() - frozenset(_JOINERS)
    extra, missing = _found(wanted, tuple(folders))
    return Lettering(extra, missing)


def clean(text: str) -> str:
    """Foreign text on one line: composed, without control letters or those that turn the reading
    direction."""
    composed = unicodedata.normalize("NFC", text)
    kept = (
        " " if each.isspace() or unicodedata.category(each) == "Cc" else each
        for each in composed
        if each in _JOINERS or unicodedata.category(each) not in ("Cf", "Cs", "Cn", "Co")
    )
    return " ".join("".join(kept).split())


def _latin(letter: str) -> str:
    return anyascii(letter) or "?"


@cache
def _covered() -> frozenset[str]:
    """The letters that FiraGO has in both weights."""
    both = (set(TTFont(BytesIO(myfont(name)), lazy=True).getBestCmap()) for name in (REGULAR, BOLD))
    return frozenset(map(chr, set.intersection(*both)))


@cache
def _found(
    wanted: frozenset[str], folders: tuple[Path, ...]
) -> tuple[tuple[FontFile, ...], frozenset[str]]:
    """Fonts of the machine that have these letters, and the letters that none has."""
    extra: list[FontFile] = []
    if wanted:
        for path in _files(folders):
            for number, letters in _letters_of(path):
                if wanted & letters:
                    extra.append(FontFile(path, number))
                    wanted -= letters
            if not wanted:
                break
    return tuple(extra), wanted


def _files(folders: Sequence[Path]) -> list[Path]:
    """Font files, those with many letters first; the same order on every run."""
    files = (path for folder in folders for path in folder.rglob("*"))
    fonts = [path for path in files if path.suffix.lower() in _SUFFIXES]

    def rank(path: Path) -> tuple[bool, bool, str]:
        name = path.name.lower()
        plain = "regular" in name or not any(style in name for style in _STYLES)
        return not any(word in name for word in _LIKELY), not plain, str(path)

    return sorted(fonts, key=rank)[:MOST_FILES]


def _letters_of(path: Path) -> Iterator[tuple[int, frozenset[str]]]:
    """The letters of each font in a file that may be embedded; none where it cannot be read."""
    try:
        if path.suffix.lower() == ".ttc":
            fonts: Sequence[TTFont] = TTCollection(path, lazy=True).fonts[:1]
        else:
            fonts = [TTFont(path, lazy=True)]
        for number, font in enumerate(fonts):
            allowed = "OS/2" not in font or not font["OS/2"].fsType & _NO_EMBEDDING
            outlines = "glyf" in font or "CFF " in font
            if allowed and outlines:
                yield number, frozenset(map(chr, font.getBestCmap() or {}))
    except (TTLibError, OSError, ValueError, AssertionError):
        return
