"""Old names of modules that notebooks of one's own import still lead to the same functions."""

import importlib

import pytest

import retention_models as rm

MOVED = {
    "campaign_page_words": "pages.campaign.words",
    "campaign_plots": "pages.campaign.figures",
    "campaign_tables": "pages.campaign.tables",
    "model_plots": "pages.models.figures",
    "model_words": "pages.models.words",
    "page_plots": "pages.store.figures",
    "plan_plots": "pages.campaign.plan",
    "plots": "pages.plots",
    "tables": "pages.models.tables",
    "words": "pages.store.words",
}


@pytest.mark.parametrize("old", MOVED)
def test_an_old_name_is_the_module_of_today(old):
    """`from retention_models import words` works for one release."""
    assert importlib.import_module(f"retention_models.{MOVED[old]}") is getattr(rm, old)


def test_old_modules_have_the_names_of_before():
    """Those that were imported by their full path."""
    from retention_models import campaign_plans, notebook, store_page
    from retention_models.pages import notebook as today
    from retention_models.pages.campaign import plan
    from retention_models.pages.store import answers, opening, page, tables

    assert all(getattr(today, name) is getattr(notebook, name) for name in notebook.__all__)
    assert plan is campaign_plans.shown
    assert (page, opening, answers, tables) == (
        store_page.numbers,
        store_page.opening,
        store_page.sections,
        store_page.tables,
    )
