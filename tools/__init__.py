"""What the maintainers run: the notebook pipeline, the checks of the repository, the benchmark."""
