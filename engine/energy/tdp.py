"""Thermal design power of common processors, for the estimate where no meter can be read.

Watts and cores are the manufacturers' published specifications (AMD product pages, Intel ARK) of a
whole chip; the estimate scales them to the cores that this machine sees.
"""

from dataclasses import dataclass

DEFAULT_W_PER_CORE = 6.0  # about the median of the server chips below, 2.8 to 12.5 W a core


@dataclass(frozen=True, slots=True)
class Chip:
    tdp_w: float
    cores: int


# Key: how the operating system names it, in part. The longest key that fits wins.
CHIPS = {
    "EPYC 7551": Chip(180, 32),
    "EPYC 7543": Chip(225, 32),
    "EPYC 7713": Chip(225, 64),
    "EPYC 7742": Chip(225, 64),
    "EPYC 7763": Chip(280, 64),
    "EPYC 9124": Chip(200, 16),
    "EPYC 9354": Chip(280, 32),
    "EPYC 9554": Chip(360, 64),
    "EPYC 9654": Chip(360, 96),
    "EPYC 9754": Chip(360, 128),
    "Threadripper PRO 5995WX": Chip(280, 64),
    "Threadripper PRO 7995WX": Chip(350, 96),
    "Ryzen 5 5600X": Chip(65, 6),
    "Ryzen 7 5800X": Chip(105, 8),
    "Ryzen 9 5950X": Chip(105, 16),
    "Ryzen 7 7700X": Chip(105, 8),
    "Ryzen 9 7950X": Chip(170, 16),
    "E5-2680 v4": Chip(120, 14),
    "Platinum 8180": Chip(205, 28),
    "Platinum 8280": Chip(205, 28),
    "Platinum 8380": Chip(270, 40),
    "Platinum 8480+": Chip(350, 56),
    "Platinum 8592+": Chip(350, 64),
    "Gold 6248": Chip(150, 20),
    "Gold 6338": Chip(205, 32),
    "i5-12400": Chip(65, 6),
    "i7-12700": Chip(65, 12),
    "i7-13700": Chip(65, 16),
    "i7-1165G7": Chip(28, 4),
    "i7-1260P": Chip(28, 12),
    "i9-13900K": Chip(125, 24),
    "i9-14900K": Chip(125, 24),
}


def find(model_name: str) -> tuple[str, Chip] | None:
    """The table's entry for a processor as the operating system names it."""
    fitting = [name for name in CHIPS if name.lower() in model_name.lower()]
    if not fitting:
        return None
    name = max(fitting, key=len)
    return name, CHIPS[name]
