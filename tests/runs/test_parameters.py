"""Parameters are held against the notebook's cell, and secrets kept out, before anything runs."""

import nbformat
import pytest

import nights
from retention_models.errors import SettingsError
from retention_models.runs.publishing.parameters import check_parameters

RUN = 'project_file = ""\nstore_id = ""\nas_of = ""\noutput_folder = ""\n'


def notebook(folder, code: str, tag: str = "parameters"):
    """A notebook with a parameters cell."""
    cell = nbformat.v4.new_code_cell(code)
    cell.metadata["tags"] = [tag]
    path = folder / "mine.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


def test_parameters_that_fit_pass(tmp_path):
    """By the type of their value or annotation; a whole number is a number; None takes any."""
    code = RUN + "weeks = 13\nshare = -0.5\ndeep = True\nnote: str\nany = None\nrate: float = 1"
    given = {"weeks": 4, "share": 1, "deep": False, "note": "x", "any": 3, "rate": 2.5}
    check_parameters(notebook(tmp_path, code), given)


@pytest.mark.parametrize(
    ("code", "given", "said"),
    [
        (
            "weeks = 13",
            {"week": 4},
            "'week': the notebook has no such parameter; did you mean weeks?",
        ),
        ("weeks = 13", {"x\nimport os": 4}, r"no such parameter; it has weeks"),
        ("weeks = 13", {"weeks": "4"}, "weeks: expected a whole number; got '4'"),
        ("weeks = 13", {"weeks": True}, "weeks: expected a whole number; got True"),
        ("deep = True", {"deep": 1}, "deep: expected true or false; got 1"),
        ("note: str", {}, "note is missing: the notebook has no value for it"),
        ("as_of = 3", {}, "as_of: expected a whole number; got text"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(tmp_path, code, given, said):
    """Unknown, missing, of another type: each named, with what was expected."""
    with pytest.raises(SettingsError) as caught:
        check_parameters(notebook(tmp_path, RUN + code), given)
    assert said in str(caught.value)


def test_a_notebook_that_cannot_be_run_for_a_store_is_refused(tmp_path):
    """Without a store, without a parameters cell, with one that is no Python, or no notebook at all."""
    with pytest.raises(SettingsError, match="the notebook has no parameter store_id"):
        check_parameters(notebook(tmp_path, RUN.replace("store_id", "shop")), {})
    with pytest.raises(SettingsError, match="expected one code cell tagged “parameters”; got 0"):
        check_parameters(notebook(tmp_path, RUN, tag="other"), {})
    with pytest.raises(SettingsError, match="its parameters cell is not Python"):
        check_parameters(notebook(tmp_path, "weeks = = 3"), {})
    (tmp_path / "text.ipynb").write_text("# not a notebook", encoding="utf-8")
    with pytest.raises(SettingsError, match="not a Jupyter notebook"):
        check_parameters(tmp_path / "text.ipynb", {})


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ('[reports.parameters]\ndb_password = "x"', "db_password looks like a secret"),
        ('[reports.parameters]\nstore_id = "x"', "store_id is given by the run"),
        (
            "[reports]\nparameters = { since = 2024-01-01 }",
            "since: expected true, false, a number or a text in quotes; got 2024-01-01, which is none: "
            'write "2024-01-01"',
        ),
        ("[reports]\nkeep_runs = 0", "reports.keep_runs: expected whole number of newest runs"),
        (
            '[reports.notices]\nwhen = "never"',
            'reports.notices.when: expected "always" or "failure"',
        ),
    ],
)
def test_mistakes_of_the_reports_table_are_named(tmp_path, extra, said):
    """Like any of the project file's."""
    with pytest.raises(SettingsError) as caught:
        nights.settings_in(tmp_path, extra=extra)
    assert said in str(caught.value)
    # One line on the file, one on the mistake.
    assert 2 == len(str(caught.value).splitlines())
