"""What does a Pareto/NBD fit do where the data hardly say how customers drop out?

Five cuts of the log named by CLV_SOURCE, with the default prior and without any: how it ended,
after how many evaluations, in what time. Meant for Online Retail II.

    python benchmarks/bench_identified.py [LOG]     LOG defaults to CLV_SOURCE; without it, nothing
"""

import datetime as dt
import functools
import os
import sys
import tempfile
from pathlib import Path

from peers import measured

import clv
from clv.data import summarize
from clv.models.pareto_nbd import ParetoNBD
from clv.periods import ObservationWindow
from clv.pipeline.workbench import workbench
from clv.store import workspace as files
from clv.store.parquet import read_summary

CUTS = [dt.date(2010, 12, 9), *(dt.date(2011, month, 9) for month in (3, 6, 9, 12))]


def summaries(log):
    """What was known at each cut."""
    with tempfile.TemporaryDirectory() as name:
        workspace = clv.Workspace(Path(name))
        clv.ingest(log, workspace, lambda text: None)
        start = read_summary(workspace.path(files.SUMMARY)).window.start
        with workbench(workspace) as (_, connection):
            lines, returns = (
                connection.read_parquet(str(workspace.path(path)))
                for path in (files.CLEAN_LINES, files.RETURNS)
            )
            for cut in CUTS:
                window = ObservationWindow(start, cut)
                days = summarize.transactions(lines, returns, cut)
                yield summarize.customer_summary(lines, days, window)


def main():
    log = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("CLV_SOURCE")
    if log is None:
        print("No log, no cuts: name Online Retail II in CLV_SOURCE.")
        return
    for summary in summaries(log):
        for prior in (True, False):
            fit = functools.partial(ParetoNBD.fit, summary, prior=prior)
            fitted, cost = measured(fit, repeats=3)
            print(
                f"Pareto/NBD, known up to {summary.window.end}, {len(summary):,} customers, "
                f"{'default prior' if prior else 'no prior'}: ours {cost}, "
                f"{fitted.report.evaluations} evaluations, {fitted.report.status}, log-likelihood "
                f"{fitted.report.log_likelihood:.4f}; no peer tried"
            )


if __name__ == "__main__":
    main()
