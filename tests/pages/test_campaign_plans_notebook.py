"""The walk-through from sample size to verdict runs as it stands."""

from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]


def shown_by(folder: Path, **parameters: object) -> tuple[str, int]:
    """All that the notebook shows as text, and its number of figures."""
    from nbclient import NotebookClient

    notebook = nbformat.read(ROOT / "notebooks" / "plan_a_campaign.ipynb", as_version=4)
    given = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    given.source += "".join(f"\n{name} = {value!r}" for name, value in parameters.items())
    done = NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [o for cell in done.cells for o in cell.get("outputs", [])]
    assert [] == [o for o in outputs if o["output_type"] in {"error", "stream"}]
    assert [] == list(folder.iterdir())
    text = " ".join(o["data"].get("text/html", "") for o in outputs)
    return text, sum("image/svg+xml" in o["data"] for o in outputs)


@pytest.mark.nightly
def test_the_walk_through_finds_the_lift_that_was_simulated(tmp_path):
    """Plan, arms, two looks, effect of grade A, and an interval that holds the truth."""
    text, figures = shown_by(tmp_path)
    assert 2 == figures
    assert 'class="refusal"' not in text
    for said in (
        "For the 10% that you wish to find that is too little",
        "That is enough for the 10% that you wish to find.",
        "12,000 customers were put in the arms of Spring coupon by chance",
        "Look 1 of 2 (28 March 2024)",
        "It is over, and its effect is shown.",
        "(grade A)",
        "holds it.",
    ):
        assert said in text


@pytest.mark.nightly
def test_the_walk_through_of_a_coupon_that_does_nothing_finds_nothing(tmp_path):
    """The same shop, arms and days without a lift."""
    text, _ = shown_by(tmp_path, true_lift=0.0)
    assert "It may still be chance: go on." in text
    assert "It is over, and no effect was shown." in text
    assert "bought +0.0%" in text
