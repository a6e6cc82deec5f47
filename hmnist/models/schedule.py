"""How fast a network learns along the way, and which of its weights are kept."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

__all__ = ["averaging", "warm_cosine"]

WARM_UP = 0.15
"""The share of the steps over which the learning rate rises."""


def warm_cosine(peak: float, steps: int) -> "keras.optimizers.schedules.LearningRateSchedule":
    """Return a schedule that rises linearly to a peak and falls to zero along half a cosine.

    Parameters
    ----------
    peak : float
        The largest learning rate; it begins at a hundredth of it.
    steps : int
        How many steps the training takes in all.

    Returns
    -------
    keras.optimizers.schedules.LearningRateSchedule
    """
    import keras

    warm_up = max(1, round(WARM_UP * steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=peak / 100,
        decay_steps=max(1, steps - warm_up),
        warmup_target=peak,
        warmup_steps=warm_up,
    )


def averaging(steps: int) -> dict[str, Any]:
    """Return how an optimiser averages weights: over the last hundred steps or so.

    Parameters
    ----------
    steps : int
        How many steps the training takes in all; a tenth of them if that is fewer.

    Returns
    -------
    dict
        Arguments of a Keras optimiser.

    Examples
    --------
    >>> averaging(2000)
    {'use_ema': True, 'ema_momentum': 0.99}
    """
    return {"use_ema": True, "ema_momentum": 1 - 1 / min(100, max(2, steps / 10))}
