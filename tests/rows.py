"""Rows held against one another: numbers nearly, everything else exactly."""

from __future__ import annotations

import pytest


def differing(found, expected, *, rel=1e-9, leave_out=()):
    """The fields in which two rows are not alike, with both values."""
    names = (found.keys() | expected.keys()) - set(leave_out)
    return {
        name: (found.get(name), expected.get(name))
        for name in names
        if not _alike(found.get(name), expected.get(name), rel)
    }


def _alike(one, other, rel):
    if isinstance(one, float) and isinstance(other, float | int):
        return one == pytest.approx(other, rel=rel, abs=rel)
    return one == other
