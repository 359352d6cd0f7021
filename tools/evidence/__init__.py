"""The evidence: the tables under `notebooks/results`, each made of cells, by one command that goes on where it stopped.

`python -m tools.evidence models --log online-retail` makes one table, `… all` every table that the logs at hand
allow. A setting is chosen by the validation users of fold 0; the fold whose test users they are is left out of every
table, so nobody who is tested has chosen anything.
"""
