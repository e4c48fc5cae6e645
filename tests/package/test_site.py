"""The documentation builds as a site."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import retention_models as rm

ROOT = Path(__file__).parents[2]


@pytest.mark.nightly
def test_the_site_has_every_public_name_and_asks_nobody_for_anything(tmp_path):
    """Without a warning, such as of a link into nothing; `make docs` executes the notebooks besides."""
    command = [sys.executable, ROOT / "docs/site/build.py", tmp_path, "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = {page: page.read_text(encoding="utf-8") for page in tmp_path.rglob("*.html")}
    reference = "".join(text for page, text in pages.items() if page.parent.name == "reference")
    lacking = [name for name in rm.__all__ if f'id="retention_models.{name}"' not in reference]
    assert [] == lacking
    fetched = re.compile(r"<(?:script|img|iframe)[^>]+src=.https?:|<link[^>]+href=.https?:")
    assert [] == [page.name for page, text in pages.items() if fetched.search(text)]
