"""Published systems: how each is built, trained, split and claimed to score."""
