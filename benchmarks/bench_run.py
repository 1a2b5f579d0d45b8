"""How long does the whole job take, from raw log to CLV table, and how much memory?

Runs `clv run` in a process of its own into an empty folder, then again with nothing changed.

    python benchmarks/bench_run.py [LOG]      LOG defaults to CLV_SOURCE, else a simulated shop
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 3


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - start


def main() -> None:
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("CLV_SOURCE")
    first, again = [], []
    with tempfile.TemporaryDirectory() as name:
        if given is None:
            from clv.simulated_shop import simulate_log, write_log

            given = str(write_log(Path(name) / "simulated_shop.csv", simulate_log().log))
        for run in range(RUNS):
            workspace = Path(name) / f"run-{run}"
            command = [str(Path(sys.executable).with_name("clv")), "run", given]
            command += ["--workspace", str(workspace)]
            first.append(seconds(command))
            again.append(seconds(command))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    for label, times in (("whole run", first), ("again, nothing changed", again)):
        print(
            f"{label:24s} median {statistics.median(times):6.1f} s "
            f"({min(times):.1f} to {max(times):.1f})"
        )
    print(f"{'peak memory':24s} {peak:13.0f} MB, the largest process")


if __name__ == "__main__":
    main()
