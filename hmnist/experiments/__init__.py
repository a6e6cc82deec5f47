"""From a recipe to runs: one cell, the benchmark's grid, the audit."""
