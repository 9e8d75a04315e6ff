"""The salt profiles of a measured cell: what is shipped describes them, another transference number does not."""

from __future__ import annotations

from phasefield.verification.flat_cell import salt_profiles


def test_the_shipped_case_describes_the_measured_profiles() -> None:
    (check,) = salt_profiles.CHECKS
    result = check.run(False)
    assert len(result.rows) == 2
    assert [row for row in result.rows if not row.passed] == []


def test_another_transference_number_is_noticed() -> None:
    """D/(1 - t+) as it is at c0, t+ = 0.5: the profiles settle too slowly."""
    found = salt_profiles.simulated_profiles(
        "salt-profiles-peo", 'electrolyte.concentration_dependence="constant"', "electrolyte.transference_number=0.5",
        'electrolyte.salt_diffusivity="1.09e-7 cm^2/s"',
    )  # fmt: skip
    off = salt_profiles.differences(found)
    shape = salt_profiles.rms({minutes: part - part.mean() for minutes, part in off.items()})
    assert shape > 2.0 * salt_profiles.TIMES * salt_profiles.measured_scatter()
