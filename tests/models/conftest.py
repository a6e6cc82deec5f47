"""What tests of models share: features that are quickly fitted."""

import pytest


@pytest.fixture(autouse=True, scope="module")
def _few_patches(few_patches: None) -> None:
    """Fit features in little time: models ask only that they are the same again."""
