"""Servers of Spark, asked from another process, as a shop's cluster would be."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from conftest import skip_or_fail

import retention_models as rm
from engines import COLUMNS, log_of_an_odd_shop, why_not

# Spark on this machine is tried at every change, with each of its answers.
pytestmark = [pytest.mark.slow, pytest.mark.nightly]

CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"
MASTER = "org.apache.spark.deploy.master.Master"
WORKER = "org.apache.spark.deploy.worker.Worker"

ASK = """
import sys, warnings
warnings.simplefilter("ignore")  # Spark's client leaves its sockets to the interpreter
import retention_models as rm
from engines import COLUMNS
log = rm.read_transactions(sys.argv[1], table=sys.argv[2], timezone="Europe/Berlin", **COLUMNS)
rm.customer_summary(log).to_parquet(sys.argv[3])
"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Servers:
    """Processes of Spark, ended together."""

    def __init__(self, folder: Path) -> None:
        missing = why_not("spark")
        if missing:
            skip_or_fail(missing)
        import pyspark

        self.home, self.folder = Path(pyspark.__file__).parent, folder
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, port: int, *command: str) -> None:
        """Start one and wait until it answers on its port."""
        said = self.folder / f"{name}.log"
        program, *arguments = command
        with said.open("w") as log:
            self.running.append(
                subprocess.Popen(
                    [self.home / "bin" / program, *arguments],
                    env={**os.environ, "SPARK_HOME": str(self.home), "SPARK_NO_DAEMONIZE": "1"},
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                )
            )
        _wait_for(port, said)

    def stop(self) -> None:
        """End them, the last one first."""
        for process in reversed(self.running):
            process.terminate()
            process.wait(60)


@pytest.fixture(params=["connect", "master"])
def server(request, tmp_path):
    """Address of Spark Connect, or of a cluster's master with one worker."""
    servers = Servers(tmp_path)
    port, other = _free_port(), _free_port()
    try:
        if request.param == "connect":
            options = {
                "spark.connect.grpc.binding.port": str(port),
                "spark.driver.host": "127.0.0.1",
                "spark.ui.enabled": "false",
            }
            given = [word for item in options.items() for word in ("--conf", "=".join(item))]
            command = ("spark-submit", "--master", "local[1]", *given, "--class", CONNECT)
            servers.start("connect", port, *command, "spark-internal")
            yield f"sc://127.0.0.1:{port}"
        else:
            here = ("--host", "127.0.0.1", "--port")
            servers.start("master", port, "spark-class", MASTER, *here, str(port))
            address = f"spark://127.0.0.1:{port}"
            size = ("--cores", "1", "--memory", "1g")
            command = ("spark-class", WORKER, *here, str(other), *size, address)
            servers.start("worker", other, *command)
            yield address
    finally:
        servers.stop()


def _wait_for(port: int, said: Path) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    pytest.fail(f"Spark did not start: {said.read_text()[-2000:]}")


def test_a_server_gives_the_same_summary(server, tmp_path):
    """To the cent and the day."""
    log_of_an_odd_shop().to_parquet(tmp_path / "log.parquet")
    found = tmp_path / "found.parquet"
    done = subprocess.run(
        [sys.executable, "-c", ASK, server, str(tmp_path / "log.parquet"), str(found)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "helpers")},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    log = rm.read_transactions(tmp_path / "log.parquet", timezone="Europe/Berlin", **COLUMNS)
    pd.testing.assert_frame_equal(
        rm.customer_summary(log), pd.read_parquet(found), check_exact=False, rtol=1e-12
    )
