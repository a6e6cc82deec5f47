"""The optimisers of our own networks: learning rates along the way, and averaged weights."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

WARM_UP = 0.15
"""The share of the steps over which the learning rate rises."""

ADAMW_RATIO = 0.3
"""The learning rate of AdamW over that of Muon, where both serve one network."""


def make_adamw(
    learning_rate: float, weight_decay: float, steps: int
) -> "keras.optimizers.Optimizer":
    """Return AdamW (Loshchilov & Hutter 2019) for a training of so many steps."""
    import keras

    return keras.optimizers.AdamW(
        warm_cosine(learning_rate, steps), weight_decay=weight_decay, **averaging(steps)
    )


def make_muon(learning_rate: float, weight_decay: float, steps: int) -> "keras.optimizers.Muon":
    """Return Muon for convolution kernels, and AdamW at a smaller rate for all other weights."""
    from hmnist.models.muon import ConvolutionMuon

    return ConvolutionMuon(
        warm_cosine(learning_rate, steps),
        weight_decay=weight_decay,
        adam_weight_decay=weight_decay,
        adam_lr_ratio=ADAMW_RATIO,
        **averaging(steps),
    )


def warm_cosine(peak: float, steps: int) -> "keras.optimizers.schedules.LearningRateSchedule":
    """Return a schedule that rises linearly to a peak and falls to zero along half a cosine.

    The first learning rate is a hundredth of the peak; `steps` are those of the whole training.
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
    """Return Keras' options to average weights over about the last hundred of all steps.

    In short trainings it is the last tenth of the steps.

    Examples
    --------
    >>> averaging(2000)
    {'use_ema': True, 'ema_momentum': 0.99}
    """
    return {"use_ema": True, "ema_momentum": 1 - 1 / min(100, max(2, steps / 10))}
