"""`StepReporter`: what a model tells and keeps while it is fitted."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from hmnist.features.steps import OnStep


class StepReporter:
    """Reports the steps of a training, and how good the model is meanwhile; keeps what is done.

    `on_step` is called as ``on_step(done, total)`` while the model is fitted; `on_loss` as
    ``on_loss(done, loss)`` by models that know the log loss of their validation images before they
    are fitted. Networks keep the state of their training in `state_folder`, unless it is None, so
    that one that was interrupted goes on there (`hmnist.models.training_state`); `on_note` is then
    called with a sentence that says where. These are not parameters: clones and pickles do not have
    them.
    """

    on_step: OnStep | None = None
    on_loss: Callable[[float, float], None] | None = None
    state_folder: Path | None = None
    on_note: Callable[[str], None] | None = None

    def stages(self) -> dict[str, float]:
        """Return the stages of a training in their order, and how many steps each counts for.

        A step is an epoch or a round of the model itself. Other stages count for as many steps as
        they take in time, roughly, so that the steps tell how long the training still takes.
        """
        return {}

    def report_step(self, done: float, total: float, stage: str | None = None) -> None:
        """Report that so many steps of all are done, or so much of a stage."""
        if self.on_step is None:
            return
        if stage is not None:
            stages = self.stages()
            names = list(stages)
            before = sum(stages[name] for name in names[: names.index(stage)])
            done, total = before + stages[stage] * done / total, sum(stages.values())
        self.on_step(done, total)

    def reporter(self, stage: str) -> OnStep:
        """Return what reports how much of a stage is done."""
        return partial(self.report_step, stage=stage)

    def report_loss(self, done: float, loss: float) -> None:
        """Report the log loss on validation once this share of the training is done, 0–1."""
        if self.on_loss is not None:
            self.on_loss(done, loss)

    def note(self, sentence: str) -> None:
        """Tell something about the training that a person wants to know."""
        if self.on_note is not None:
            self.on_note(sentence)
