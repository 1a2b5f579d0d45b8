"""How much memory does a Pareto/NBD fit of millions of customers take?

Customers are simulated in one process, and fitted in another, whose peak is reported: Python,
NumPy and the customers themselves included.

    python benchmarks/bench_memory.py             1,000,000 and 10,000,000 customers
    python benchmarks/bench_memory.py --quick     10,000 customers
"""

import concurrent.futures
import multiprocessing
import resource
import sys
import tempfile
from pathlib import Path


def simulate(path, customers):
    import numpy as np
    from customers import simulated

    np.savez(path, *simulated(customers))


def fit(path):
    """Distinct histories, what the fit took and the peak memory in MB."""
    import numpy as np
    from peers import measured

    from clv.numerics import pareto_nbd_fit
    from clv.numerics.histories import distinct_histories

    with np.load(path) as columns:
        customers = tuple(columns.values())

    def grouped_and_fitted():
        rows = distinct_histories(*customers)
        return rows.x.size, pareto_nbd_fit.fit(rows).status.value

    found, cost = measured(grouped_and_fitted)
    return *found, str(cost), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    # This process imports nothing large, for a child's peak starts at that of its parent.
    new = multiprocessing.get_context("spawn")
    quick = "--quick" in sys.argv
    with (
        tempfile.TemporaryDirectory() as name,
        concurrent.futures.ProcessPoolExecutor(1, new, max_tasks_per_child=1) as pool,
    ):
        for customers in (10_000,) if quick else (1_000_000, 10_000_000):
            path = Path(name) / "customers.npz"
            pool.submit(simulate, path, customers).result()
            rows, status, cost, peak = pool.submit(fit, path).result()
            print(
                f"Pareto/NBD, {customers:,} simulated customers, {rows:,} distinct histories: "
                f"ours {peak:,.0f} MB at the peak, {cost}, {status}; no peer tried"
            )
