"""The integral over the unseen moment of dropout, by Gauss-Legendre in log time.

A customer last seen at ``t_x`` and observed to ``T`` may have dropped out at any moment in
between. The integrand falls from ``t_x`` on, over a time that differs between customers by
many powers of ten: its *decay scale* ``c``. In ``u = log(1 + (t - t_x) / c)`` all of them
look alike, so that one small set of nodes serves everybody. Everything stays in logs until
one log-sum-exp, hence nothing overflows or cancels.

Arrays of nodes have shape ``(nodes, n)``: a row per node, a column per customer. Nothing
here knows a model. Start reading at :func:`dropout_nodes`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Nodes = int | Sequence[int]

NODES_AT_ONCE = 16_384
"""Nodes worked on at once: few enough that a block's arrays stay in the processor's cache."""

LONGEST_REACH = 30.0
"""In log time, a factor of 1e13, beyond which nothing is left to resolve."""


@functools.cache
def gauss_legendre(nodes: int) -> tuple[Float, Float]:
    """Positions in (0, 1) and log weights of the rule, each of shape ``(nodes, 1)``."""
    positions, weights = np.polynomial.legendre.leggauss(nodes)
    columns = (positions + 1)[:, None] / 2, np.log(weights / 2)[:, None]
    for column in columns:
        column.flags.writeable = False  # cached, so shared by every caller
    return columns


def dropout_nodes(
    start: Float, end: Float, scale: Float, *, nodes: Nodes, cuts: Float | None = None
) -> tuple[Float, Float]:
    """Times between ``start`` and ``end`` and the log of their weights, each ``(nodes, n)``.

    Args:
        start: Where the integral begins, shape ``(n,)``.
        end: Where it ends, shape ``(n,)``, ``>= start``.
        scale: Time over which the integrand falls near ``start``, shape ``(n,)``, > 0.
        nodes: Points per customer and panel, or of each panel its own number.
        cuts: Times at which the integrand is not smooth, shape ``(cuts, n)``, rising; each
            cut begins a panel of its own, those outside the integral an empty one.

    Returns:
        Times, and log weights such that the integral of f is the sum of weight x f(time).
        An empty interval has log weights of minus infinity.
    """
    u, log_weights, width = log_time_nodes(start, end, scale, nodes=nodes, cuts=cuts)
    inner = u[:-1]
    with np.errstate(divide="ignore"):
        log_width = np.log(width * scale)
    return start + scale * np.expm1(inner), log_weights + (inner + log_width)


def log_time_nodes(
    start: Float, end: Float, scale: Float, *, nodes: Nodes, cuts: Float | None = None
) -> tuple[Float, Float, Float]:
    """The same nodes in ``u``, and then the end itself, ``(nodes + 1, n)``; not yet in times.

    The integral of f is the sum of weight x width x f(time) x exp(u) x scale. The end weighs
    nothing, so the log weights, ``(nodes, 1)``, leave it out, and so do the widths of the
    panels, ``(n,)`` or with cuts ``(nodes, n)``.
    """
    last = np.log1p((end - start) / scale)
    if cuts is None:
        positions, log_weights = gauss_legendre(int(np.sum(nodes)))
        u = np.empty((len(positions) + 1, last.size))
        np.multiply(positions, last, out=u[:-1])
        u[-1] = last
        return u, log_weights, last
    each = np.broadcast_to(nodes, len(cuts) + 1)
    rules = [gauss_legendre(int(count)) for count in each]
    positions, log_weights = (np.concatenate(column) for column in zip(*rules, strict=True))
    edges = np.zeros((len(cuts) + 2, last.size))
    np.log1p((np.clip(cuts, start, end) - start) / scale, out=edges[1:-1])
    edges[-1] = last
    width = np.repeat(np.diff(edges, axis=0), each, axis=0)
    u = np.vstack([np.repeat(edges[:-1], each, axis=0) + positions * width, last])
    return u, log_weights, width


def enough_nodes(reach: Float, nodes: int) -> npt.NDArray[np.int16]:
    """How many nodes resolve an integral that ends at ``u = reach``, elementwise.

    In ``u`` the integrand is smooth up to a distance of pi from the real line, whatever the
    parameters, so that each unit of its length takes as many nodes as the one before.
    With ``nodes`` = 16 the log of the integral is right to 1e-11. In two bytes, many counts
    are sorted by radix.
    """
    return np.ceil(nodes * (1 + np.fmin(reach, LONGEST_REACH)) / 4).astype(np.int16)


def log_sum_exp(terms: Float) -> tuple[Float, Float]:
    """Log of the summed exponentials over nodes, ``(n,)``, and each node's share ``(nodes, n)``."""
    largest = terms.max(axis=0)
    shares = terms - largest
    np.exp(shares, out=shares)
    total = sum_of_nodes(shares)
    shares /= total
    return largest + np.log(total), shares


def sum_of_nodes(terms: Float) -> Float:
    """Sum over nodes, ``(n,)``, in order: a customer has the same bits alone as in a crowd.

    NumPy's own would add the nodes of one customer pairwise, those of several in order.
    """
    return functools.reduce(np.add, terms)


def blocks(count: int, *, nodes: int, at_once: int = NODES_AT_ONCE) -> Iterator[slice]:
    """Slices that cover ``count`` customers, as many at a time as nodes ``at_once`` allow."""
    size = max(1, at_once // nodes)
    for first in range(0, count, size):
        yield slice(first, first + size)
