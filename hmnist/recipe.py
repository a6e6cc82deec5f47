"""`Recipe`: how one model is trained."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hmnist.diagnoses import RARE
from hmnist.models.registry import find_model, make_model
from hmnist.splits import Split

if TYPE_CHECKING:
    from hmnist.models.base import Model

__all__ = ["Recipe"]


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
        facts = {
            **asdict(self),
            # The effort's parameters as they are today, not only its name.
            "constructed": members or self.make().get_params(),
            "data": on.data.digest,
            "split": on.digest,
            "version": __version__,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]

    def make(self) -> "Model":
        """Return the model, unfitted.

        Raises
        ------
        UsageError
            If the model, the effort or a parameter is unknown.
        """
        chosen = dict(self.parameters)
        if "features" in find_model(self.model).parameters.get(self.effort, {}):
            chosen.setdefault("features", self.features)
        return make_model(self.model, effort=self.effort, random_state=self.seed, **chosen)
