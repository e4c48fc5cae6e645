"""What docs/ says of the code is what the code says."""

import re
from pathlib import Path

import api_document
import retention_models as rm

ROOT = Path(__file__).parents[2]
PACKAGE = Path(rm.__file__).parent


def test_the_list_of_public_names_is_that_of_the_package():
    """Written anew by `python tests/helpers/api_document.py`."""
    text = api_document.PAGE.read_text(encoding="utf-8")
    assert api_document.written() == text
    assert sorted(rm.__all__) == sorted(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))


def test_what_the_architecture_names_is_there():
    """Every file, folder and room."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+(?:/[a-z_]+)*(?:/|\.py))`", text))
    assert len(named) > 25
    missing = {name for name in named if not any((p / name).exists() for p in (PACKAGE, ROOT))}
    assert not missing
    rooms = {
        path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"
    }
    assert rooms == {name.rstrip("/") for name in named if name.count("/") == 1} & rooms
