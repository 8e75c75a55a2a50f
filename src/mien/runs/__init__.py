"""The run folder, and what a run reads."""
