"""What several lessons share: figures, panels, checks, and the tests of all lessons."""
