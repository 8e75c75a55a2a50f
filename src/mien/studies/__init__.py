"""Studies: many trainings or baselines over folds and seeds, and comparisons of what they predict.

Above `mien.training`: a study trains, and evaluates what was trained.
"""
