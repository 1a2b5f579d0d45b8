"""How long does cleaning the log take, beside the least a machine can do and beside pandas?

Three jobs on the same uncompressed CSV, each in a process of its own, in turn, so that a
machine that slows down slows all three: the bare read and write of the file by DuckDB; the
whole of `clv ingest`; the same cleaning in pandas (duplicates, rules, returns by window sums,
sort, both files, ledger), written as a pandas user would. Times start after the imports.

    python benchmarks/bench_etl.py [LOG]      LOG defaults to CLV_SOURCE, else a simulated shop
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = 5

BARE = """
import duckdb, time
start = time.perf_counter()
duckdb.sql("COPY (SELECT * FROM read_csv('{log}')) TO '{out}/bare.parquet' (COMPRESSION snappy)")
"""

OURS = """
import datetime as dt, time
from pathlib import Path
import pandas  # which Arrow loads at first use, wherever it is installed
from clv.data.preprocess import Cleaning
from clv.data.sources.online_retail import ONLINE_RETAIL
from clv.pipeline.ingest import Log, ingest
from clv.store.workspace import Workspace
log = Log((Path('{log}'),), ONLINE_RETAIL, Cleaning(), dt.date.today(), currency='GBP')
start = time.perf_counter()
result = ingest(Workspace(Path('{out}')), log, lambda text: None)['kept']
"""

PANDAS = """
import time
import pandas as pd
start = time.perf_counter()
text = dict.fromkeys(['Invoice', 'StockCode', 'Description', 'Customer ID', 'Country'], 'string')
lines = pd.read_csv('{log}', dtype=text, parse_dates=['InvoiceDate'])
lines['Customer ID'] = lines['Customer ID'].str.removesuffix('.0')
lines['sales'] = lines.Quantity * lines.Price
lines['rule'] = pd.NA
later = lines.duplicated([c for c in lines if c not in ('sales', 'rule')])
rules = [(later, 'duplicate'), (lines['Customer ID'].isna(), 'no_customer'),
         (lines.Quantity < 0, 'return'), (lines.Price <= 0, 'non_positive_price')]
for broken, rule in rules:
    lines.loc[broken & lines.rule.isna(), 'rule'] = rule
content = ['Customer ID', 'InvoiceDate', 'Invoice', 'StockCode', 'Price', 'Quantity']
content += ['Description', 'Country']
kept = lines[lines.rule.isna()].sort_values(content, ignore_index=True)
kept['Description'] = kept.Description.str.strip().fillna('Unknown')
refused = lines[lines.rule.notna()].sort_values([*content, 'rule'], ignore_index=True)
credits = refused[refused.rule == 'return']
key = ['Customer ID', 'StockCode']
both = pd.concat([kept.assign(line=kept.index, kind=0), credits.assign(line=-1, kind=1)])
both = both.merge(credits[key].drop_duplicates(), on=key)
both = both.sort_values([*key, 'InvoiceDate', 'kind', 'line'], kind='stable')
walk = both.groupby(key).Quantity.cumsum()
low = walk.groupby([both[k] for k in key]).cummin().clip(upper=0)
stock = walk - low
ahead = stock[::-1].groupby([both[k][::-1] for k in key]).cummin()[::-1]
bought = both.kind == 0
left = (ahead - (stock - both.Quantity)).clip(lower=0)
left = left.where(left < both.Quantity, both.Quantity)[bought]
undone = pd.Series((both.Quantity[bought] - left).to_numpy(), index=both.line[bought].to_numpy())
kept['returned_quantity'] = undone.reindex(kept.index).fillna(0).astype('int64')
kept.to_parquet('{out}/kept.parquet', compression='snappy', index=False)
refused.to_parquet('{out}/refused.parquet', compression='snappy', index=False)
ledger = lines.fillna({{'rule': 'kept'}}).groupby('rule').sales.agg(['size', 'sum'])
result = int(ledger.loc['kept', 'size'])
"""

REPORT = """
import json, resource
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([time.perf_counter() - start, peak, globals().get('result')]))
"""


def timed(job: str, log: Path, out: Path) -> tuple[float, float, int | None]:
    """Seconds, peak memory in MB, and lines kept."""
    out.mkdir()
    code = job.format(log=log, out=out) + REPORT
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    shutil.rmtree(out)
    seconds, peak, kept = json.loads(done.stdout)
    return seconds, peak, kept


def plain_csv(folder: Path) -> Path:
    """The log to measure on, uncompressed."""
    given = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("CLV_SOURCE")
    path = folder / "log.csv"
    if given is None:
        from clv.simulated_shop import simulate_log, write_log

        return write_log(path, simulate_log().log)
    opener = gzip.open if given.endswith(".gz") else open
    with opener(given, "rb") as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)
    return path


def main() -> None:
    jobs = {"bare DuckDB read and write": BARE, "clv ingest": OURS, "pandas": PANDAS}
    found: dict[str, list[tuple[float, float, int | None]]] = {name: [] for name in jobs}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = plain_csv(folder)
        print(f"{log.stat().st_size / 1e6:.0f} MB of CSV, {RUNS} runs of each in turn")
        for _ in range(RUNS):
            for job, code in jobs.items():
                found[job].append(timed(code, log, folder / "out"))
    for job, runs in found.items():
        seconds = [run[0] for run in runs]
        print(
            f"{job:28s} median {statistics.median(seconds):6.2f} s "
            f"({min(seconds):.2f} to {max(seconds):.2f}), peak {max(r[1] for r in runs):6.0f} MB, "
            f"kept {runs[0][2]}"
        )
    for other, label in (("bare DuckDB read and write", "clv / bare"), ("pandas", "pandas / clv")):
        pairs = zip(found["clv ingest"], found[other], strict=True)
        ratios = [ours[0] / theirs[0] for ours, theirs in pairs]
        ratios = ratios if other != "pandas" else [1 / ratio for ratio in ratios]
        print(f"{label:28s} median {statistics.median(ratios):6.2f} x, pair by pair")


if __name__ == "__main__":
    main()
