"""Everything that imitates the published program."""
