"""The command: exit codes, messages on stderr, results on stdout."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import shops
from retention_models import cli
from retention_models.errors import SettingsError
from retention_models.runs import run

ROOT = Path(__file__).parents[2]


def retention(capsys, monkeypatch, *arguments: str) -> tuple[int, str, str]:
    """Call the command in this process."""
    monkeypatch.setattr(sys, "argv", ["retention", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    said = capsys.readouterr()
    return int(caught.value.code or 0), said.out, said.err


def test_help_names_the_commands(capsys, monkeypatch):
    """And the exit codes."""
    code, out, _ = retention(capsys, monkeypatch, "--help")
    assert 0 == code
    assert all(word in out for word in ("run", "check", "demo", "Exit codes"))


def test_check_reports_on_the_data(capsys, monkeypatch, chain_project):
    """Rows, reasons, stores, last day, and the store without rows."""
    code, out, _ = retention(capsys, monkeypatch, "check", chain_project)
    assert 0 == code
    assert "rows are unusable" in out
    assert "Stores in the data: 3." in out
    assert "days, 2023-01-0" in out
    assert "Store 'empty' of the project file has no rows" in out


def test_mistakes_in_the_project_file_are_exit_code_2(capsys, monkeypatch, tmp_path):
    """All of them on stderr, nothing on stdout."""
    project = shops.write_project(tmp_path, shops.simulated_log(5, seed=1), ["0042"])
    project.write_text(project.read_text().replace("0.3", "30").replace("EUR", "euro"))
    for command in ("run", "check"):
        code, out, err = retention(capsys, monkeypatch, command, project)
        assert (2, "") == (code, out)
        assert "2 mistakes" in err


def test_data_that_cannot_be_used_are_exit_code_2(capsys, monkeypatch, tmp_path):
    """With the first bad rows, and no page."""
    frame = shops.simulated_log(20, seed=1).astype({"amount": object})
    frame.loc[:9, "amount"] = "free"
    project = shops.write_project(tmp_path, frame, ["0042"])
    code, _, err = retention(capsys, monkeypatch, "run", project)
    assert 2 == code
    assert "spend is not a number: 10" in err
    assert "row 1 after the header" in err
    assert not (tmp_path / "reports").exists()


def test_an_unknown_store_is_exit_code_2(capsys, monkeypatch, chain_project):
    """With the ids that are near it."""
    code, _, err = retention(capsys, monkeypatch, "run", chain_project, "--store", "42")
    assert 2 == code
    assert "no store '42' in the data; did you mean 0042" in err


def test_a_day_that_is_none_is_exit_code_2(capsys, monkeypatch, chain_project):
    """Days are never guessed."""
    code, _, err = retention(capsys, monkeypatch, "run", chain_project, "--as-of", "31/12/2023")
    assert 2 == code
    assert "as_of: expected a day such as 2017-12-31" in err


def test_a_wrong_option_is_exit_code_2(capsys, monkeypatch):
    """As of any command."""
    code, _, err = retention(capsys, monkeypatch, "run", "--jobs", "0")
    assert 2 == code
    assert "--jobs" in err


def test_a_signal_that_a_lock_complains_of_ends_the_run_as_the_signal_does(
    capsys, monkeypatch, chain_project
):
    """It may come between a lock and its release; what complains of no signal is a defect."""

    def run_project(*_: object, **__: object) -> None:
        try:
            os.kill(os.getpid(), number)
        finally:
            raise RuntimeError("release unlocked lock")

    monkeypatch.setattr(run, "run_project", run_project)
    before = signal.getsignal(signal.SIGTERM)
    try:
        number = signal.SIGTERM
        assert 128 + signal.SIGTERM == retention(capsys, monkeypatch, "run", chain_project)[0]
        number = 0
        code, _, err = retention(capsys, monkeypatch, "run", chain_project)
        assert cli.DEFECT == code
        assert "RuntimeError: release unlocked lock" in err
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("option", ["--store", "--output", "--log", "--as-of"])
def test_a_nul_in_an_argument_is_exit_code_2(capsys, monkeypatch, chain_project, option):
    """No shell gives one, but whoever calls the command from a program may."""
    code, _, err = retention(capsys, monkeypatch, "run", chain_project, option, "a\0b")
    assert 2 == code
    assert "NUL character" in err
    assert "Traceback" not in err
    with pytest.raises(SettingsError, match=r"output: 'a\\x00b' holds a NUL character"):
        run.run_project(chain_project, output="a\0b")


@pytest.mark.slow
def test_words_writes_the_sentences_of_the_pages(capsys, monkeypatch, tmp_path):
    """A file for a translator, which a second call leaves as it is; a shipped language is filled in."""
    for code_of, told in (("pl", "0 of "), ("pl", "0 of "), ("fa", "1,")):
        path = tmp_path / f"{code_of}.po"
        code, out, _ = retention(capsys, monkeypatch, "words", code_of, path)
        assert 0 == code
        assert f"{path}: {told}" in out
        assert 'msgid "How is every store doing?"' in path.read_text()
    code, _, err = retention(capsys, monkeypatch, "words", "xx", path)
    assert 2 == code
    assert "expected a language's code" in err


def test_the_command_is_installed():
    """As `retention`, with its version."""
    command = [sys.executable, "-m", "retention_models", "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "0.1.0" in said.stdout


def test_the_notebooks_are_handed_out_and_nobodys_own_is_overwritten(capsys, monkeypatch, tmp_path):
    """Into a new folder; again where they are unchanged; a changed one only by --force."""
    given = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    folder = tmp_path / "mine"
    assert 0 == retention(capsys, monkeypatch, "notebooks", folder)[0]
    assert given == sorted(path.name for path in folder.iterdir())
    assert 0 == retention(capsys, monkeypatch, "notebooks", folder)[0]
    (folder / given[0]).write_text("mine")
    code, _, err = retention(capsys, monkeypatch, "notebooks", folder)
    assert (2, "mine") == (code, (folder / given[0]).read_text())
    assert f"{given[0]}: stands there and is another" in err
    assert 0 == retention(capsys, monkeypatch, "notebooks", folder, "--force")[0]
    assert "mine" != (folder / given[0]).read_text()
