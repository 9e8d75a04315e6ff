"""Results of experiments as a laboratory reads them: one table of units."""

from __future__ import annotations

import pytest

from phasefield import units
from phasefield.fields import SERIES
from phasefield.results.evaluation import QUANTITIES, Evaluated
from phasefield.text.laboratory import LABORATORY, laboratory_unit

SI = {entry.unit for entry in (*QUANTITIES.values(), *SERIES.values())} - {"1", "mol", "m^2"}


@pytest.mark.parametrize("si", sorted(SI))
def test_the_laboratorys_unit_of_each_result_and_series_is_the_one_that_it_is_named_for(si: str) -> None:
    factor, name = laboratory_unit(si, 5.0)
    assert name != si or si == "V"
    kind = units.Kind("quantity", si.replace("ohm m", "ohm*m"), "1")
    assert units.to_si(f"1 {name.replace('ohm cm', 'ohm*cm')}", kind) * factor == pytest.approx(1.0, rel=1e-12)


def test_a_voltage_is_in_volts_where_one_has_a_volt() -> None:
    assert laboratory_unit("V", 0.2, 2.15) == (1.0, "V")
    assert laboratory_unit("V", 0.2) == (1e3, "mV")
    assert Evaluated("voltage_at_end", 2.15, 0.01).text() == "2.15 \N{PLUS-MINUS SIGN} 0.01 V"
    assert set(LABORATORY) >= SI - {"V"}
