"""Shared by several lessons: figures, panels, checks, and the tests of all lessons."""
