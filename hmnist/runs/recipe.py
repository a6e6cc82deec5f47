"""`Recipe`: how one model is trained."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hmnist.diagnoses import RARE
from hmnist.errors import UsageError
from hmnist.models.pretrained import PRETRAINED, check_pretrained
from hmnist.models.registry import find_model, make_model
from hmnist.splits.protocols import target_of
from hmnist.splits.split import Split
from hmnist.systems import SYSTEMS
from hmnist.systems.protocol import Resampling

if TYPE_CHECKING:
    from hmnist.models.base import Model

__all__ = ["Recipe", "check_one_file"]


@dataclass(frozen=True)
class Recipe:
    """How one model is trained: everything beside data and split that can change its scores.

    Attributes
    ----------
    model : str
        A name of the registry.
    oversampling : str
        A method of `hmnist.oversampling`.
    rare : tuple of str
        The diagnoses that are raised.
    rare_to : int or None
        To which count; None is the method's default.
    decision : str
        ``natural``, ``balanced`` or ``sensitive``.
    sensitivity : float
        The share of malignant lesions that ``sensitive`` is to find, 0–1.
    features : str
        What models of numbers read, ``lesion`` or ``pixels``; networks of images do not ask.
    weights : str
        What transfer models start from: ``none``, ``imagenet`` or the path of a file; no other
        model asks.
    effort : str
        ``quick``, ``standard`` or ``best``.
    seed : int
        What fixes oversampling and training.
    threads : int
        How many threads the libraries use.
    parameters : mapping
        Constructor parameters that take precedence over the effort's.
    """

    model: str
    oversampling: str = "random"
    rare: tuple[str, ...] = RARE
    rare_to: int | None = None
    decision: str = "natural"
    sensitivity: float = 0.9
    features: str = "lesion"
    weights: str = "none"
    effort: str = "standard"
    seed: int = 0
    threads: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def key(self, on: Split) -> str:
        """Return a digest of everything that could change the scores of this cell."""
        from hmnist import __version__

        members = [
            replace(self, model=member, parameters={}).key(on)
            for member in self.parameters.get("members", ())
        ]
        # What is in a file of weights counts, not where it lies; and only for who asks for weights.
        constructed = {} if members else self.make().get_params()
        start = constructed.get("pretrained") if self.asks_for("pretrained") else None
        start = self.weights_digest or start
        facts = {
            **asdict(self),
            "weights": start,
            # The effort's parameters as they are today, not only its name.
            "constructed": members or {**constructed, "pretrained": start},
            "system": SYSTEMS[self.model].recipe() if self.model in SYSTEMS else None,
            "data": on.data.digest,
            "split": on.digest,
            "version": __version__,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]

    @cached_property
    def weights_digest(self) -> str | None:
        """The SHA-256 of the file of weights, as it was when first asked for; None without one.

        Raises
        ------
        DataError
            If the model asks for weights and the file is missing or none of weights.
        """
        if not self.asks_for("pretrained"):
            return None
        return check_pretrained(self.parameters.get("pretrained", self.weights))

    def under(self, on: Split) -> "Recipe":
        """Return the recipe as a split allows it: a published protocol resamples by itself.

        The largest probability then decides, since validation is mostly the test part, and nothing
        may be fitted on that.

        Raises
        ------
        UsageError
            If the recipe asks for another oversampling or decision than the protocol's.
        """
        if on.protocol is None or find_model(self.model).baseline:
            return self
        own = on.protocol.training
        theirs = replace(self.resampling_as(own, on), decision="natural")
        for name, default in (
            ("oversampling", "random"),
            ("rare", RARE),
            ("rare_to", None),
            ("decision", "natural"),
        ):
            if getattr(self, name) not in (default, getattr(theirs, name)):
                raise UsageError(
                    f"{on.kind} resamples and decides as its source did ({own.method}, natural); "
                    f"it cannot be told {name} {getattr(self, name)!r}.",
                    "Leave out --oversample, --rare, --rare-to and --decide.",
                )
        return theirs

    def resampling_as(self, other: Resampling, on: Split) -> "Recipe":
        """Return the recipe with what a protocol does to its training part, on any split."""
        return replace(
            self,
            oversampling=other.method,
            rare=other.diagnoses,
            rare_to=target_of(other, on.data.labels[on.train_indices]),
        )

    def make(self) -> "Model":
        """Return the model, unfitted.

        Raises
        ------
        UsageError
            If the model, the effort or a parameter is unknown.
        """
        chosen = dict(self.parameters)
        for name, value in (("features", self.features), ("pretrained", self.weights)):
            if self.asks_for(name):
                chosen.setdefault(name, value)
        return make_model(self.model, effort=self.effort, random_state=self.seed, **chosen)

    def asks_for(self, parameter: str) -> bool:
        """Tell whether the model asks for something that all models are told."""
        return parameter in find_model(self.model).settings


def check_one_file(models: Sequence[str], weights: str) -> None:
    """Refuse one file of weights for several applications, before any work begins.

    Raises
    ------
    UsageError
        If `weights` is a path and more than one of the models asks for weights.
    """
    asking = [name for name in dict.fromkeys(models) if Recipe(name).asks_for("pretrained")]
    if weights not in PRETRAINED and len(asking) > 1:
        raise UsageError(
            f"The weights in {weights} are those of one network, and {' and '.join(asking)} are "
            "several.",
            "Name one of them, or --weights none.",
        )
