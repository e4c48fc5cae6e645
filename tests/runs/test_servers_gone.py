"""A database that is gone at any question of a run: words, a true status, a rerun that completes."""

from __future__ import annotations

import pytest

import nights
import shops
from engines import psycopg_connection
from notebooks import GOOD, failing_notebook
from retention_models.data.engines import source as engine, to_frame, write_parquet
from retention_models.errors import DataError
from retention_models.runs import run
from retention_models.runs.publishing.manifest import read_manifest

STORES = ("a", "b")
OTHERS = "pid <> pg_backend_pid() AND backend_type = 'client backend' AND application_name = %s"


def end_connections(url: str, name: str) -> int:
    """As an administrator does who shuts the server down; how many there were."""
    with psycopg_connection(url) as connection:
        query = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OTHERS}"
        return len(connection.execute(query, [name]).fetchall())


@pytest.fixture
def shop(postgresql, tmp_path):
    """A project whose log is in PostgreSQL, and its URL."""
    log = [shops.simulated_log(20, seed=n, shop=store) for n, store in enumerate(STORES)]
    with psycopg_connection(postgresql) as connection:
        connection.execute("DROP TABLE IF EXISTS gone")
        connection.execute("CREATE TABLE gone (customer text, day date, amount numeric, shop text)")
        with connection.cursor().copy("COPY gone FROM STDIN") as copy:
            for frame in log:
                for row in frame.itertuples(index=False):
                    copy.write_row(row)
    mark = "&" if "?" in postgresql else "?"
    url = f"{postgresql}{mark}application_name=run"
    text = shops.PROJECT.replace('source = "{source}"', f'source = "{url}"\ntable = "gone"')
    extra = '[reports]\nnotebook = "mine.ipynb"\n'
    project = shops.write_project(tmp_path, log[0], list(STORES), text=text, extra=extra)
    failing_notebook(tmp_path, GOOD)
    return project, postgresql


@pytest.mark.slow
def test_every_kind_of_question_names_the_source(shop, tmp_path):
    """A frame, batches, a file; and without a password."""
    project, url = shop
    settings = run.read_project(project)[0]

    def batches(table):
        return list(engine.to_batches(table))

    def parquet(table):
        return write_parquet(table, str(tmp_path / "rows.parquet"))

    for ask in (to_frame, batches, parquet):
        log = run.read_project_transactions(settings)
        ask(log.table)
        assert end_connections(url, "run")
        with pytest.raises(DataError, match=r"postgresql://.*: cannot be read"):
            ask(log.table)


class Questions:
    """Counts what a server is asked; before one of them its connections end."""

    def __init__(self, url: str, at: int) -> None:
        self.url, self.at, self.asked = url, at, 0

    def __call__(self, backend):
        """In the place of `answering`."""
        if backend.name == "postgres":
            self.asked += 1
            if self.asked == self.at:
                assert end_connections(self.url, "run")
        return engine_answering(backend)


engine_answering = engine.answering


@pytest.mark.nightly
def test_a_run_without_its_database_ends_in_words_and_is_repeated(shop, monkeypatch):
    """Pages that stood stay, the manifest is true, and the next run completes."""
    project, url = shop
    output = project.parent / "reports"

    def executed(tasks, _options, _workers):
        for task in tasks:
            yield task.id, nights.good(task.id, task.folder)

    nights.without_nbconvert(monkeypatch)
    monkeypatch.setattr(run, "execute_all", executed)
    counted = Questions(url, 0)
    monkeypatch.setattr(engine, "answering", counted)
    assert not run.run_project(project, force=True).failed
    assert counted.asked >= 5
    for at in range(1, counted.asked + 1):
        monkeypatch.setattr(engine, "answering", Questions(url, at))
        with pytest.raises(DataError, match=r"postgresql://.*: cannot be read"):
            run.run_project(project, force=True)
        nights.require_truth(output, again=True)
        found = read_manifest(output / "latest")
        assert {"published", "pending", "skipped"} >= set(nights.outcomes(found).values())
        monkeypatch.setattr(engine, "answering", engine_answering)
        again = run.run_project(project, resume=True)
        assert not again.failed
        assert "finished" == read_manifest(output / "latest").head["state"]
