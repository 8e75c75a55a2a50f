"""Mutating fuzzers: damaged and hostile files, each read in a process that may be killed.

A case is a family and a number: it takes a healthy file, damages it by a generator seeded with the
number, and reads it as mien does. `PYTHONPATH=tests python -m fuzz --family media --case 7` runs
one again.
"""
