"""The foundations of the evidence: recipes, the gap between training and serving, cells kept on disk, verdicts."""
