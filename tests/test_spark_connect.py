"""A server of Spark Connect, asked from another process, as a shop's cluster would be."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import retention_models as rm
from conftest import skip_or_fail
from engines import COLUMNS, log_of_an_odd_shop, why_not

pytestmark = pytest.mark.slow

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


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Address of a server, started for this test."""
    missing = why_not("spark")
    if missing:
        skip_or_fail(missing)
    import pyspark

    home, port = Path(pyspark.__file__).parent, _free_port()
    options = {
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
    }
    command = [home / "bin" / "spark-submit", "--master", "local[1]"]
    for name, value in options.items():
        command += ["--conf", f"{name}={value}"]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    said = tmp_path_factory.mktemp("server") / "server.log"
    with said.open("w") as log:
        running = subprocess.Popen(
            [*command, "spark-internal"],
            env={**os.environ, "SPARK_HOME": str(home)},
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(port, said)
            yield f"sc://127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(60)


def _wait_for(port: int, said: Path) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    pytest.fail(f"Spark Connect did not start: {said.read_text()[-2000:]}")


def test_spark_connect_gives_the_same_summary(server, tmp_path):
    """To the cent and the day."""
    log_of_an_odd_shop().to_parquet(tmp_path / "log.parquet")
    found = tmp_path / "found.parquet"
    done = subprocess.run(
        [sys.executable, "-c", ASK, server, str(tmp_path / "log.parquet"), str(found)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    log = rm.read_transactions(tmp_path / "log.parquet", timezone="Europe/Berlin", **COLUMNS)
    pd.testing.assert_frame_equal(
        rm.customer_summary(log), pd.read_parquet(found), check_exact=False, rtol=1e-12
    )
