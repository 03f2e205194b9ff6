"""The report's paper: fonts, colours, headings, and what stands on the foot of each page."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from fpdf import FPDF
from pymupdf_fonts import myfont

from dashboard.reports.month.fonts import BOLD, REGULAR, Lettering
from dashboard.reports.month.models import Size

Colour = tuple[int, int, int]
Align = Literal["L", "C", "R"]

INK: Colour = (27, 36, 48)
SOFT: Colour = (92, 103, 117)
LINE: Colour = (217, 222, 229)
GROUND: Colour = (244, 246, 248)
BRAND: Colour = (11, 98, 163)
SELF_HOSTED: Colour = (11, 111, 184)
SEATS: Colour = (200, 78, 0)

# Scripts whose letters take another form or place beside others; shaping takes a font's own time.
_SHAPED = re.compile("[\u0300-\u036f\u0590-\u1cff\ua800-\uabff\ufb1d-\ufdff\ufe70-\ufeff]")

MARGIN = 16.0
FOOT = 20.0
PAGES = "\ue000" * 3  # stands for how many there are: no text has it (`fonts.clean`)
FAMILY = "text"


class Paper(FPDF):
    """Pages in millimetres. Foreign text must have gone through `lettering.written`."""

    def __init__(self, size: Size, lettering: Lettering, title: str, foot: Sequence[str]) -> None:
        super().__init__(format=size)
        self.lettering = lettering
        self._foot = foot
        self.set_margin(MARGIN)
        self.c_margin = 0.0  # text begins where its line does
        self.set_auto_page_break(True, FOOT)
        self.alias_nb_pages(PAGES)
        self.set_lang("en")
        self.set_title(title)
        self.set_creator("Breakeven")

    def footer(self) -> None:
        self.set_y(-FOOT + 6)
        self.set_draw_color(*LINE)
        self.line(MARGIN, self.get_y(), self.w - MARGIN, self.get_y())
        self.write_at(7, SOFT)
        for number, line in enumerate(self._foot):
            self.set_y(-FOOT + 7.5 + number * 3.6)
            self.put(self.fitted(line, self.epw - 26), self.epw - 24, 3.6)
        # How many pages there are is known at the end only: room for two digits.
        width = self.width_of(f"Page {self.page_no()} of 00")
        self.set_xy(self.w - MARGIN - width, -FOOT + 7.5)
        self.put(f"Page {self.page_no()} of {PAGES}", width, 3.6)

    def write_at(self, points: float, colour: Colour = INK, *, bold: bool = False) -> None:
        """From now on text is of this size and colour."""
        self.set_font(FAMILY, "B" if bold else "", points)
        self.set_text_color(*colour)

    def room(self) -> float:
        """Millimetres left on the page."""
        return float(self.page_break_trigger - self.get_y())

    def need(self, height: float) -> None:
        """Begin a new page where less than this is left."""
        if self.room() < height:
            self.add_page()

    def heading(self, text: str, *, keep: float = 24) -> None:
        """A heading that stays with the `keep` millimetres after it."""
        self.need(keep + 9)
        if self.get_y() > MARGIN + 1:
            self.ln(4.5)
        self.start_section(text)
        self.write_at(11.5, bold=True)
        self.put(text, self.epw, 5.5)
        self.ln(6.7)

    def put(self, text: str, width: float, height: float, align: Align = "L") -> None:
        """One line of text from here on, and stay on it."""
        self._shape(text)
        self.cell(width, height, text, align=align)

    def lines_of(self, text: str, width: float) -> list[str]:
        """The text in lines that fit."""
        self._shape(text)
        lines = self.multi_cell(width, 1, text, dry_run=True, output="LINES", align="L")
        assert isinstance(lines, list)
        return lines or [""]

    def block(self, text: str, width: float, leading: float) -> None:
        """Text that wraps, from here down; afterwards the next line begins."""
        self._shape(text)
        self.multi_cell(width, leading, text, align="L", new_x="LMARGIN", new_y="NEXT")

    def paragraph(self, text: str, points: float = 8.5, colour: Colour = INK) -> None:
        self.write_at(points, colour)
        self.block(text, self.epw, points * 0.49)

    def width_of(self, text: str) -> float:
        self._shape(text)
        return float(self.get_string_width(text))

    def fitted(self, text: str, width: float) -> str:
        """As much of the text as fits, with an ellipsis where some of it does not."""
        if self.width_of(text) <= width:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self.width_of(f"{text[:middle].rstrip()}…") <= width:
                low = middle
            else:
                high = middle - 1
        return f"{text[:low].rstrip()}…"

    def _shape(self, text: str) -> None:
        self.set_text_shaping(_SHAPED.search(text) is not None)


@contextmanager
def paper(
    size: Size, lettering: Lettering, *, title: str, foot: Sequence[str], made_at: datetime
) -> Iterator[Paper]:
    """Empty paper with its fonts, which are files only while it is written on."""
    sheet = Paper(size, lettering, title, foot)
    sheet.set_creation_date(made_at)
    with TemporaryDirectory() as folder:
        for style, name in (("", REGULAR), ("B", BOLD)):
            file = Path(folder) / f"{name}.ttf"
            file.write_bytes(myfont(name))
            sheet.add_font(FAMILY, style, file)
        for number, font in enumerate(lettering.extra):
            sheet.add_font(f"extra{number}", "", font.path, collection_font_number=font.number)
        sheet.set_fallback_fonts(
            [f"extra{number}" for number in range(len(lettering.extra))], exact_match=False
        )
        yield sheet
