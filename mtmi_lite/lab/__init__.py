"""What the evidence stands on: recipes, the gap between training and serving, cells that are kept on disk."""
