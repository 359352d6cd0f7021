"""What the tests know of each lesson: the bands of its results, right and wrong answers to its exercises."""
