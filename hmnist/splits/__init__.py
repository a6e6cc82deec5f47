"""Which images train, validate and test; groups, folds, split files, leaks in numbers."""
