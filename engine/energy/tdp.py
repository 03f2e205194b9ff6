"""Thermal design power of common processors, for the estimate where no meter can be read.

Watts and cores are the manufacturers' published specifications (AMD product pages, default TDP;
Intel ARK, TDP or processor base power) of a whole chip; the estimate scales them to the cores that
this machine sees. Amazon and Google publish none for Graviton and Axion, and their names are not
shown by the operating system.
"""

import re
from dataclasses import dataclass

DEFAULT_W_PER_CORE = 7.0  # about the median of the server chips below
DEFAULT_ERROR = 0.8  # nine in ten of them are within this of the default


@dataclass(frozen=True, slots=True)
class Chip:
    tdp_w: float
    cores: int


# Key: how the operating system names it, in part.
SERVER = {
    "E5-2680 v4": Chip(120, 14),
    "EPYC 7551": Chip(180, 32),
    # EPYC 7002 and 7003
    "EPYC 7402": Chip(180, 24),
    "EPYC 7452": Chip(155, 32),
    "EPYC 7502": Chip(180, 32),
    "EPYC 7702": Chip(200, 64),
    "EPYC 7742": Chip(225, 64),
    "EPYC 72F3": Chip(180, 8),
    "EPYC 7313": Chip(155, 16),
    "EPYC 7343": Chip(190, 16),
    "EPYC 73F3": Chip(240, 16),
    "EPYC 7413": Chip(180, 24),
    "EPYC 7443": Chip(200, 24),
    "EPYC 74F3": Chip(240, 24),
    "EPYC 7453": Chip(225, 28),
    "EPYC 7513": Chip(200, 32),
    "EPYC 7543": Chip(225, 32),
    "EPYC 75F3": Chip(280, 32),
    "EPYC 7643": Chip(225, 48),
    "EPYC 7663": Chip(240, 56),
    "EPYC 7713": Chip(225, 64),
    "EPYC 7763": Chip(280, 64),
    "EPYC 7773X": Chip(280, 64),
    # EPYC 9004
    "EPYC 9124": Chip(200, 16),
    "EPYC 9174F": Chip(320, 16),
    "EPYC 9224": Chip(200, 24),
    "EPYC 9254": Chip(200, 24),
    "EPYC 9274F": Chip(320, 24),
    "EPYC 9334": Chip(210, 32),
    "EPYC 9354": Chip(280, 32),
    "EPYC 9374F": Chip(320, 32),
    "EPYC 9454": Chip(290, 48),
    "EPYC 9474F": Chip(360, 48),
    "EPYC 9534": Chip(280, 64),
    "EPYC 9554": Chip(360, 64),
    "EPYC 9634": Chip(290, 84),
    "EPYC 9654": Chip(360, 96),
    "EPYC 9684X": Chip(400, 96),
    "EPYC 9734": Chip(340, 112),
    "EPYC 9754": Chip(360, 128),
    # EPYC 9005
    "EPYC 9015": Chip(125, 8),
    "EPYC 9115": Chip(125, 16),
    "EPYC 9135": Chip(200, 16),
    "EPYC 9175F": Chip(320, 16),
    "EPYC 9255": Chip(200, 24),
    "EPYC 9275F": Chip(320, 24),
    "EPYC 9335": Chip(210, 32),
    "EPYC 9355": Chip(280, 32),
    "EPYC 9365": Chip(300, 36),
    "EPYC 9375F": Chip(320, 32),
    "EPYC 9455": Chip(300, 48),
    "EPYC 9475F": Chip(400, 48),
    "EPYC 9535": Chip(300, 64),
    "EPYC 9555": Chip(360, 64),
    "EPYC 9565": Chip(400, 72),
    "EPYC 9575F": Chip(400, 64),
    "EPYC 9645": Chip(320, 96),
    "EPYC 9655": Chip(400, 96),
    "EPYC 9745": Chip(400, 128),
    "EPYC 9755": Chip(500, 128),
    "EPYC 9825": Chip(390, 144),
    "EPYC 9845": Chip(390, 160),
    "EPYC 9965": Chip(500, 192),
    # Xeon Scalable, first and second generation
    "Platinum 8180": Chip(205, 28),
    "Platinum 8280": Chip(205, 28),
    "Gold 6248": Chip(150, 20),
    # third
    "Silver 4310": Chip(120, 12),
    "Silver 4314": Chip(135, 16),
    "Silver 4316": Chip(150, 20),
    "Gold 5318Y": Chip(165, 24),
    "Gold 6326": Chip(185, 16),
    "Gold 6330": Chip(205, 28),
    "Gold 6338": Chip(205, 32),
    "Gold 6342": Chip(230, 24),
    "Gold 6346": Chip(205, 16),
    "Gold 6348": Chip(235, 28),
    "Gold 6354": Chip(205, 18),
    "Platinum 8358": Chip(250, 32),
    "Platinum 8360Y": Chip(250, 36),
    "Platinum 8368": Chip(270, 38),
    "Platinum 8380": Chip(270, 40),
    # fourth
    "Silver 4410Y": Chip(150, 12),
    "Silver 4416+": Chip(165, 20),
    "Gold 5418Y": Chip(185, 24),
    "Gold 6426Y": Chip(185, 16),
    "Gold 6430": Chip(270, 32),
    "Gold 6438Y+": Chip(205, 32),
    "Gold 6442Y": Chip(225, 24),
    "Gold 6448Y": Chip(225, 32),
    "Gold 6454S": Chip(270, 32),
    "Platinum 8462Y+": Chip(300, 32),
    "Platinum 8468": Chip(350, 48),
    "Platinum 8480+": Chip(350, 56),
    "Platinum 8490H": Chip(350, 60),
    "Xeon(R) CPU Max 9480": Chip(350, 56),
    # fifth
    "Silver 4514Y": Chip(150, 16),
    "Gold 6530": Chip(270, 32),
    "Gold 6542Y": Chip(250, 24),
    "Gold 6548Y+": Chip(250, 32),
    "Platinum 8558": Chip(330, 48),
    "Platinum 8562Y+": Chip(300, 32),
    "Platinum 8568Y+": Chip(350, 48),
    "Platinum 8580": Chip(350, 60),
    "Platinum 8592+": Chip(350, 64),
    # Xeon 6
    "6740E": Chip(250, 96),
    "6780E": Chip(330, 144),
    "6960P": Chip(500, 72),
    "6972P": Chip(500, 96),
    "6979P": Chip(500, 120),
    "6980P": Chip(500, 128),
}

PERSONAL = {
    "Threadripper PRO 5995WX": Chip(280, 64),
    "Threadripper PRO 7995WX": Chip(350, 96),
    "Threadripper 7980X": Chip(350, 64),
    # Ryzen 5000
    "Ryzen 5 5600X": Chip(65, 6),
    "Ryzen 5 5600G": Chip(65, 6),
    "Ryzen 7 5700X": Chip(65, 8),
    "Ryzen 7 5700G": Chip(65, 8),
    "Ryzen 7 5800X": Chip(105, 8),
    "Ryzen 9 5900X": Chip(105, 12),
    "Ryzen 9 5950X": Chip(105, 16),
    # Ryzen 7000
    "Ryzen 5 7600": Chip(65, 6),
    "Ryzen 5 7600X": Chip(105, 6),
    "Ryzen 7 7700": Chip(65, 8),
    "Ryzen 7 7700X": Chip(105, 8),
    "Ryzen 7 7800X3D": Chip(120, 8),
    "Ryzen 9 7900": Chip(65, 12),
    "Ryzen 9 7900X": Chip(170, 12),
    "Ryzen 9 7950X": Chip(170, 16),
    "Ryzen 9 7950X3D": Chip(120, 16),
    # Ryzen 9000
    "Ryzen 5 9600X": Chip(65, 6),
    "Ryzen 7 9700X": Chip(65, 8),
    "Ryzen 7 9800X3D": Chip(120, 8),
    "Ryzen 9 9900X": Chip(120, 12),
    "Ryzen 9 9950X": Chip(170, 16),
    # Core, 10th and 11th generation
    "i5-10400": Chip(65, 6),
    "i7-10700": Chip(65, 8),
    "i7-10700K": Chip(125, 8),
    "i9-10900": Chip(65, 10),
    "i9-10900K": Chip(125, 10),
    "i5-11400": Chip(65, 6),
    "i7-11700": Chip(65, 8),
    "i7-11700K": Chip(125, 8),
    "i9-11900K": Chip(125, 8),
    "i7-1165G7": Chip(28, 4),
    # 12th to 14th
    "i5-12400": Chip(65, 6),
    "i5-12600K": Chip(125, 10),
    "i7-12700": Chip(65, 12),
    "i7-12700K": Chip(125, 12),
    "i9-12900": Chip(65, 16),
    "i9-12900K": Chip(125, 16),
    "i7-1260P": Chip(28, 12),
    "i5-13400": Chip(65, 10),
    "i5-13600K": Chip(125, 14),
    "i7-13700": Chip(65, 16),
    "i7-13700K": Chip(125, 16),
    "i9-13900": Chip(65, 24),
    "i9-13900K": Chip(125, 24),
    "i5-14400": Chip(65, 10),
    "i5-14600K": Chip(125, 14),
    "i7-14700": Chip(65, 20),
    "i7-14700K": Chip(125, 20),
    "i9-14900": Chip(65, 24),
    "i9-14900K": Chip(125, 24),
    # Core Ultra
    "Ultra 5 125H": Chip(28, 14),
    "Ultra 7 155H": Chip(28, 16),
    "Ultra 5 245K": Chip(125, 14),
    "Ultra 7 265K": Chip(125, 20),
    "Ultra 9 285K": Chip(125, 24),
}

CHIPS = SERVER | PERSONAL


def find(model_name: str) -> tuple[str, Chip] | None:
    """The table's entry for a processor as the operating system names it."""
    for name, chip in CHIPS.items():
        # The letters for one socket only and for no graphics change neither watts nor cores;
        # any other make it another chip.
        same = "P?" if name.startswith("EPYC") else "F?"
        pattern = rf"(?<![\w-]){re.escape(name)}{same}(?![\w+])"
        if re.search(pattern, model_name, re.IGNORECASE):
            return name, chip
    return None
