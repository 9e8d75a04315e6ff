"""Charge and salt, term by term and solved, against the same discrete equations in FiPy; FiPy against closed forms."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from phasefield.verification.row import Result

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from phasefield.verification.codes import against_fipy
    from phasefield.verification.codes.fipy_reference import Faces, Reference

pytestmark = pytest.mark.filterwarnings("ignore")  # FiPy's own


def holds(result: Result) -> None:
    assert result.rows
    assert not [(row.what, row.measured, row.tolerance) for row in result.rows if not row.passed]


def test_terms() -> None:
    holds(against_fipy.terms(False))


def test_steps() -> None:
    holds(against_fipy.steps(False))


def test_the_reference_says_what_it_should() -> None:
    """FiPy's signs and sides on linear fields, by hand: 3 x 4 cells, one conductance, one flow upward."""
    reference = Reference((3, 4))
    z, x = np.indices((3, 4)).astype(float)
    ones = Faces(np.ones((3, 4)), np.ones((3, 4)))
    inside = reference.charge_balance(ones, 2.0 * z, 0.5 * z)  # a current 2 - 0.5 into the lower cell
    np.testing.assert_allclose(inside, [[1.5] * 4, [0.0] * 4, [-1.5] * 4], atol=1e-14)
    along = reference.charge_balance(ones, 3.0 * x, np.ones((3, 4)))
    np.testing.assert_allclose(along, [[3.0, 0.0, 0.0, -3.0]] * 3, atol=1e-14)
    up = Faces(np.zeros((3, 4)), np.full((3, 4), 0.1))
    c = 1.0 + z
    np.testing.assert_allclose(reference.displaced(up), [[0.1] * 4, [0.0] * 4, [-0.1] * 4], atol=1e-15)
    carried = -np.array([[0.15] * 4, [0.25 - 0.15] * 4, [-0.25] * 4])
    np.testing.assert_allclose(
        reference.transported(ones, up, c), np.array([[1.0] * 4, [0.0] * 4, [-1.0] * 4]) + carried, atol=1e-14
    )
    storage = np.full((3, 4), 2.0)
    known = storage * c - reference.transported(ones, up, c)
    np.testing.assert_allclose(reference.salt(ones, up, storage, known, np.zeros((3, 4))), c, rtol=1e-12)
