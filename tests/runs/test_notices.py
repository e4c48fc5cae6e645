"""How a run is followed, and who is told at its end."""

import datetime as dt
import io
import json
import logging
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

import nights
from retention_models.errors import SettingsError
from retention_models.runs.publishing.notices import check_notices, tell_outcome
from retention_models.runs.publishing.progress import Progress
from retention_models.settings.reports import Notices

STORES = ("a", "b")


def mixed(store_id, folder):
    """One good, one failed."""
    return nights.bad(store_id, folder) if store_id == "b" else nights.good(store_id, folder)


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A night, what a terminal saw of it, and the file of its events."""
    folder, terminal = tmp_path_factory.mktemp("notices"), io.StringIO()
    told = Progress(terminal, folder / "events.jsonl")
    plan = nights.plan_for(nights.settings_in(folder, STORES), folder / "reports", STORES)
    manifest = nights.run_night(plan, mixed, told)
    told.close()
    return manifest, terminal.getvalue(), folder / "events.jsonl"


def test_a_terminal_sees_how_far_it_is(followed):
    """In a line that renews itself."""
    _, seen, _ = followed
    assert "\r\x1b[2K1 of 2 stores, about 1 s left" in seen
    assert "\r\x1b[2K2 of 2 stores, 1 failed" in seen


def test_the_estimate_goes_by_the_pages_made():
    """Those that were skipped took no time and say nothing about the rest."""
    told = Progress()
    told("started", stores=10, todo=6, as_of=nights.DAY)
    entry = {"failure": None, "attempts": 0, "seconds": 0.0}
    for n in range(6):
        outcome = "skipped" if n < 4 else "published"
        told("store", store=str(n), entry={**entry, "outcome": outcome}, details=None)
    later = told._begun + dt.timedelta(seconds=200)
    assert "6 of 10 stores, about 7 min left" == told.line(later)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("SystemExit", "a signal to end (SIGTERM)"),
        ("KeyboardInterrupt", "Ctrl-C"),
        ("OSError", "OSError"),
    ],
)
def test_what_stopped_a_run_is_said_in_words(caplog, reason, said):
    """And how to go on."""
    Progress()("interrupted", reason=reason)
    assert [f"stopped by {said}; `--resume` continues"] == caplog.messages


def test_without_a_terminal_every_event_is_a_line(followed, caplog):
    """And in the file it is an object, with the traceback of a failure."""
    manifest, _, events = followed
    with caplog.at_level(logging.INFO):
        Progress()("store", store="b", entry=manifest.stores["b"], details=None)
    assert [
        "[1/0] store b: failed. Cell 5 of its notebook failed with KeyError. Details: none"
    ] == [record.getMessage() for record in caplog.records]
    lines = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    assert ["started", "store", "store", "finished"] == [line["event"] for line in lines]
    assert "Traceback: it broke" in lines[2]["details"]
    assert {"failed": 1, "published": 1} == lines[3]["manifest"]["counts"]


def test_a_file_of_events_that_cannot_be_written_is_refused(tmp_path):
    """Before anything runs."""
    with pytest.raises(SettingsError, match=r"--log: .* cannot be written"):
        Progress(json_lines=tmp_path / "no" / "such" / "folder.jsonl")


def told_by(code: str, followed, tmp_path, **more) -> str:
    """What a command that is told writes."""
    out = tmp_path / "told"
    command = (sys.executable, "-c", code, str(out))
    notices = Notices.model_validate({"command": command, **more})
    tell_outcome(notices, followed[0], "Corner Shops")
    return out.read_text(encoding="utf-8") if out.exists() else ""


READ = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"


def test_a_command_reads_the_outcome(followed, tmp_path):
    """As JSON: which stores failed, why, and where the index is."""
    found = json.loads(told_by(READ, followed, tmp_path))
    assert ("Corner Shops", "finished") == (found["chain"], found["state"])
    assert {"failed": 1, "published": 1} == found["counts"]
    message = "Cell 5 of its notebook failed with KeyError."
    assert [{"store": "b", "outcome": "failed", "message": message}] == found["failed"]
    assert found["index"].endswith("/reports/2023-12-31/index.html")


def test_a_command_that_fails_changes_nothing_else(followed, tmp_path, caplog):
    """It is logged on one line, and so is one that is not there."""
    told_by("import sys; sys.exit('no\\nluck')", followed, tmp_path)
    tell_outcome(Notices.model_validate({"command": ("/no/such",)}), followed[0], "x")
    said = [record.getMessage() for record in caplog.records]
    assert "the command of reports.notices ended with 1: no\\nluck" == said[0]
    assert "could not be run" in said[1]


def test_whoever_asked_for_failures_only_is_not_told_of_good_nights(tmp_path):
    """One line less to read in the morning."""
    settings = nights.settings_in(tmp_path, ("a",))
    manifest = nights.run_night(nights.plan_for(settings, tmp_path / "reports", ("a",)))
    assert "" == told_by(READ, (manifest,), tmp_path, when="failure")
    assert "" != told_by(READ, (manifest,), tmp_path, when="always")


# apprise imports all of its plugins, one of which looks for a module that Python 3.13 no longer has.
plugins = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class Hears(BaseHTTPRequestHandler):
    """An address that keeps what it was told."""

    heard: ClassVar[list[dict]] = []

    def do_POST(self):
        """Keep it."""
        self.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@plugins
@pytest.mark.slow
def test_addresses_are_told_through_apprise(followed, monkeypatch):
    """From the environment, since they hold secrets; the text is plain."""
    with HTTPServer(("127.0.0.1", 0), Hears) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        monkeypatch.setenv("ADDRESSES", f"json://127.0.0.1:{server.server_port}/here")
        notices = Notices.model_validate({"addresses": "ADDRESSES"})
        check_notices(notices)
        tell_outcome(notices, followed[0], "Corner Shops")
        thread.join(timeout=30)
    assert "Corner Shops, 2023-12-31: 1 of 2 stores have their page" == Hears.heard[0]["title"]
    assert "Store b: Cell 5 of its notebook failed with KeyError." in Hears.heard[0]["message"]


def test_addresses_that_are_not_there_are_refused(monkeypatch):
    """Before anything runs."""
    monkeypatch.delenv("ADDRESSES", raising=False)
    with pytest.raises(SettingsError, match="the environment variable ADDRESSES is not set"):
        check_notices(Notices.model_validate({"addresses": "ADDRESSES"}))


@plugins
@pytest.mark.slow
def test_addresses_that_nobody_knows_are_refused_without_being_shown(monkeypatch):
    """They may hold a secret."""
    monkeypatch.setenv("ADDRESSES", "json://localhost nonsense-with-hunter2")
    with pytest.raises(SettingsError, match="number 2 in ADDRESSES is no address") as caught:
        check_notices(Notices.model_validate({"addresses": "ADDRESSES"}))
    assert "hunter2" not in str(caught.value)
