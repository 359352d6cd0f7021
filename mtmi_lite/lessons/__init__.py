"""What belongs to one lesson: its computations, its figures, and its panel, a file for each."""
