"""What browsers may load and run on the pages: the Content-Security-Policy of all but our forms."""

import base64
import hashlib
import re
from pathlib import Path

import streamlit

_INDEX = Path(streamlit.__file__).parent / "static" / "index.html"


def _inline_scripts() -> list[str]:
    """The hashes of the scripts that Streamlit's page holds itself."""
    found = re.findall(r"<script>(.*?)</script>", _INDEX.read_text("utf-8"), re.DOTALL)
    digests = [hashlib.sha256(script.encode()).digest() for script in found]
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


POLICY = "; ".join(
    (
        "default-src 'self'",
        # The live chart's component comes as a blob, which only a script that runs here can make.
        " ".join(("script-src 'self' blob: 'wasm-unsafe-eval'", *_inline_scripts())),
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
