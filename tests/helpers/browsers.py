"""Pages in a headless browser: what it shows, asks for, and complains about."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from tiers import NIGHTLY

ARTEFACTS = Path(__file__).parents[1] / "artefacts"
AXE, AXE_SHA256 = "4.14.1", "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
A4 = 703  # CSS pixels between the margins of an A4 sheet, 186 mm
TALLEST = 4000  # pixels of a picture: a page of 500 stores is longer


def looked_at(browser: Any, path: Path, *, width: int = 1280, **more: Any) -> tuple[Any, list[str]]:
    """A page that was opened, and what was asked of the network or said on the console."""
    page = browser.new_page(viewport={"width": width, "height": 900}, offline=True, **more)
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("requestfailed", lambda request: heard.append(request.url))
    page.on(
        "request",
        lambda request: (
            heard.append(request.url) if not request.url.startswith(("file:", "data:")) else None
        ),
    )
    page.goto(path.as_uri())
    return page, heard


def picture(page: Any, name: str) -> None:
    """Keep a picture of a page for whoever wants to look at it: every night, or where asked for."""
    if not (NIGHTLY or os.environ.get("RETENTION_MODELS_PICTURES")):
        return
    ARTEFACTS.mkdir(exist_ok=True)
    height = page.evaluate("document.documentElement.scrollHeight")
    clip = {
        "x": 0,
        "y": 0,
        "width": page.viewport_size["width"],
        "height": min(height, TALLEST),
    }
    page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True, clip=clip)


def fetch_axe(npm: str, folder: Path) -> str:
    """The source of axe-core, which is fetched once and never kept in the repository."""
    kept = folder / f"axe-{AXE}.min.js"
    if not kept.is_file():
        command = [npm, "pack", f"axe-core@{AXE}", "--silent", "--pack-destination", str(folder)]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, timeout=120)
        with tarfile.open(folder / f"axe-core-{AXE}.tgz") as packed:
            found = packed.extractfile("package/axe.min.js")
            assert found is not None
            kept.write_bytes(found.read())
    content = kept.read_bytes()
    assert AXE_SHA256 == hashlib.sha256(content).hexdigest()
    return content.decode("utf-8")


def violations(page: Any, axe: str) -> list[str]:
    """What axe-core finds on a page against WCAG 2.2 AA and good practice: rule, and first element."""
    page.evaluate(axe)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, preload: false})", tags
    )
    return [
        f"{one['id']} ({len(one['nodes'])}): {one['nodes'][0]['html'][:200]}"
        for one in found["violations"]
    ]
