"""Pictures: what a run achieves, and what a data set holds."""
