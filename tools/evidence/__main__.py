"""`python -m tools.evidence`."""

from tools.evidence.tables import main

main()
