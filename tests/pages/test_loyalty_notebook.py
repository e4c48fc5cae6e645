"""The notebook on what loyalty is worth runs as it stands, and says what is missing."""

import datetime as dt
from pathlib import Path

import nbformat
import pytest

import retention_models as rm

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """All that the notebook shows, of a simulated shop with an acquisition cost."""
    from nbclient import NotebookClient

    folder = tmp_path_factory.mktemp("shop")
    shop = rm.SimulatedShop(400, dt.date(2023, 1, 1), joining_days=250, seed=3)
    shop.orders(dt.date(2024, 6, 30)).to_csv(folder / "orders.csv", index=False)
    notebook = nbformat.read(ROOT / "notebooks" / "what_loyalty_is_worth.ipynb", as_version=4)
    given = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    given.source += "\nfile, acquisition_cost = 'orders.csv', 40.0"
    given.source += "\ncolumns = {name: name for name in ('customer_id', 'date', 'spend')}"
    # What stands behind the sliders, as if they had been moved.
    moved = "keeping(points=3, spent=100.0)\nrewarding(size=0.1, lift=0.5)"
    notebook.cells.append(nbformat.v4.new_code_cell(moved))
    done = NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(folder)}}
    ).execute()
    outputs = [o for cell in done.cells for o in cell.get("outputs", [])]
    assert [] == [o for o in outputs if o["output_type"] in {"error", "stream"}]
    return " ".join(o["data"].get("text/html", "") for o in outputs)


@pytest.mark.slow
def test_every_question_is_answered_or_its_input_named(text):
    """The claims' lines, the worth, the reward by segment, and a driver by association."""
    assert 'class="refusal"' not in text
    for said in (
        "What retention is worth over 52 weeks",
        "5 points more retention bring 25% to 95% more profit: here ",
        "a repeat customer is worth ten first orders: here ",
        "keeping one: Missing: the cost per retained customer, from a campaign",
        "Price of a reward, free shipping over 28 days",
        "came back",
        "large first order: the next purchase comes",
        "Were 3 points more kept for 100: ",
        ") profit.",
        "stand here.",  # sliders, or with the package they would
    ):
        assert said in text
