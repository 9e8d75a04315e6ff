"""The records of a case: one frozen table each, every number a float in SI; what a case file may say.

A field with the default FILLED gets its value when the case is validated: in a `Case` it is always a number.
Reading a file is `casefile`'s business.
"""

from phasefield.case.case import Case
from phasefield.case.properties import Columns, Properties, arrhenius, nernst_einstein
from phasefield.case.protocol import Protocol, Step
from phasefield.case.provenance import Provenance
from phasefield.case.record import Record

__all__ = ["Case", "Columns", "Properties", "Protocol", "Provenance", "Record", "Step", "arrhenius", "nernst_einstein"]
