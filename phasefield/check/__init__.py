"""What can be said of a case before it runs: what rules it, what the grid can carry, what it will cost."""

from phasefield.check.finding import Finding
from phasefield.check.survey import explain, findings_document, print_regime, regime

__all__ = ["Finding", "explain", "findings_document", "print_regime", "regime"]
