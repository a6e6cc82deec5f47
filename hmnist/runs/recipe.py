"""`Recipe`: the settings of a training, and their defaults.

This is the one place that names them. `hmnist.train`, `hmnist.benchmark` and `hmnist.audit` forward
keywords to it (`Settings`); the options of the command line, the variables ``HMNIST_*`` and
``hmnist.toml`` have the names of its fields.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

from hmnist.diagnoses import CODES, RARE
from hmnist.errors import UsageError, read_count, unknown_name
from hmnist.hardware import DEVICES, available_cores, choose_device
from hmnist.runs.choices import read_method, read_patients, without_numpy
from hmnist.runs.parameters import LARGEST, check_parameters

if TYPE_CHECKING:
    from hmnist.models.base import Model
    from hmnist.models.registry import ModelEntry
    from hmnist.splits.split import Split
    from hmnist.systems.protocol import Resampling


MOST_THREADS = 4096

LARGEST_SEED = 2**32 - 1
"""As numpy's and TensorFlow's."""


class AuditSettings(TypedDict, total=False):
    """The settings that a published protocol leaves open; see `Recipe`."""

    pretrained: str
    effort: str
    seed: int
    threads: int | None
    device: str
    precision: str


class Settings(AuditSettings, total=False):
    """All settings of a training; see `Recipe`.

    ``oversample`` is a method or a sampler with ``fit_resample``. A benchmark takes several of
    them, and patient data ``"both"`` ways.
    """

    oversample: Any
    rare: str | Sequence[str]
    rare_to: int | None
    decide: str
    sensitivity: float
    features: str
    patients: str | bool


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one model is trained: everything beside data and split that can change its scores.

    Attributes
    ----------
    model : str
        A name of the registry (``hmnist models``).
    oversample : str
        A method of `hmnist.oversample`, or a sampler with ``fit_resample``, named by its text.
    rare : tuple of str
        The diagnoses that are oversampled.
    rare_to : int or None
        To how many training images; None is the method's default.
    decide : str
        ``natural``, ``balanced`` or ``sensitive``; see `hmnist.fit_decision`.
    sensitivity : float
        The share of malignant images that ``sensitive`` should find, between 0 and 1.
    features : str
        What ``mlp``, trees and ``logistic`` read, ``lesion`` or ``pixels``; other models ignore it.
    precision : str
        The numbers that ``cnn`` and published systems train in: ``float32``, ``bfloat16``, or
        ``auto``, which measures both here; see `hmnist.models.precision`. Other models ignore it.
    patients : bool
        Whether patient data (age, sex, site) are used. ``"yes"`` and ``"no"`` are taken, too.
    pretrained : str
        What models start from that can start from ImageNet weights: ``none``, ``imagenet`` or the
        path of a file; others ignore it.
    effort : str
        ``quick``, ``standard`` or ``best``.
    seed : int
        Fixes oversampling and training.
    threads : int or None
        Threads of the numerical libraries; None takes the cores that this process may use.
    device : str
        Where networks and xgboost run: ``cpu``, ``gpu`` (NVIDIA), or ``auto``, which takes a GPU
        that can be used. Other models run on the processor.
    parameters : mapping
        Constructor parameters of the model; they take precedence over those of the effort. An
        ensemble has ``members``, and in ``set`` the parameters of each that has some.

    Raises
    ------
    UsageError
        If a name is unknown or a number is out of range.

    Examples
    --------
    >>> Recipe(model="logistic", rare="df").rare
    ('df',)
    """

    model: str
    oversample: str = "random"
    rare: tuple[str, ...] = RARE
    rare_to: int | None = None
    decide: str = "natural"
    sensitivity: float = 0.9
    features: str = "lesion"
    precision: str = "float32"
    patients: bool = False
    pretrained: str = "none"
    effort: str = "standard"
    seed: int = 0
    threads: int | None = None
    device: str = "auto"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for each in fields(self):
            object.__setattr__(self, each.name, without_numpy(getattr(self, each.name)))
        rare = (self.rare,) if isinstance(self.rare, str) else tuple(self.rare)
        object.__setattr__(self, "rare", rare)
        object.__setattr__(self, "oversample", read_method(self.oversample))
        object.__setattr__(self, "model", self.entry.name)
        object.__setattr__(self, "patients", read_patients(self.patients))
        if self.threads is None:
            object.__setattr__(self, "threads", available_cores())
        for name, low, high in (
            ("seed", 0, LARGEST_SEED),
            ("threads", 1, MOST_THREADS),
            ("rare_to", 1, LARGEST),
        ):
            if name != "rare_to" or self.rare_to is not None:
                object.__setattr__(self, name, read_count(name, getattr(self, name), low, high))
        self._check_names()
        for name, setting in (("random_state", "seed"), ("effort", "effort")):
            if name in self.parameters:
                raise UsageError(f"{name} is no parameter to set.", f"Give the setting {setting}.")
        check_parameters(self.parameters)
        if not 0 < self.sensitivity < 1:
            raise UsageError(f"A sensitivity of {self.sensitivity:g} is not between 0 and 1.")

    @property
    def entry(self) -> "ModelEntry":
        """The model's entry in the registry."""
        from hmnist.models.registry import find_model

        return find_model(self.model)

    @cached_property
    def pretrained_digest(self) -> str | None:
        """The SHA-256 of the file of pretrained weights, at the first call; None without one.

        Raises
        ------
        DataError
            If the model takes pretrained weights and the file is missing or holds none.
        """
        from hmnist.models.pretrained import check_pretrained

        if "pretrained" not in self.entry.settings:
            return None
        return check_pretrained(self.parameters.get("pretrained", self.pretrained))

    def key(self, split: "Split") -> str:
        """Return a digest of everything that could change the scores of this training."""
        from hmnist import __version__

        members = [
            replace(self, model=member, parameters=self.member_parameters(member)).key(split)
            for member in self.parameters.get("members", ())
        ]
        constructed = {} if members else self.make().get_params()
        # The content of a file of pretrained weights counts, not its path.
        pretrained = {"pretrained": self.pretrained_digest or constructed.get("pretrained")}
        facts = {
            **asdict(self),
            **pretrained,
            # The parameters of the effort as they are today, not only its name.
            "constructed": members or {**constructed, **pretrained},
            "system": None if self.entry.system is None else self.entry.system.recipe(),
            "data": split.data.digest,
            "patient_data": split.data.patient_digest if self.patients else None,
            "split": split.digest,
            "version": __version__,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]

    def member_parameters(self, member: str) -> Mapping[str, Any]:
        """Return the parameters that are set of a member of an ensemble."""
        return dict(self.parameters.get("set", {}).get(member, {}))

    def make(self) -> "Model":
        """Return the model, unfitted; UsageError if it has no such parameter."""
        from hmnist.models.registry import make_model

        settings = {name: getattr(self, name) for name in self.entry.settings}
        parameters = {**settings, **self.parameters}
        return make_model(self.model, effort=self.effort, random_state=self.seed, **parameters)

    def resolved_for(self, split: "Split") -> "Recipe":
        """Return the recipe with what the model and the split's protocol decide by themselves.

        The registry says which models are oversampled and calibrated. A published protocol
        resamples as its source did, and the largest probability decides: its validation part is
        mostly the test part, and nothing may be fitted on that.

        Raises
        ------
        UsageError
            If the recipe asks for another oversampling or decision than the protocol's, or for
            patient data where the model takes none or the data have none.
        """
        resolved = self
        if self.patients:
            resolved = replace(resolved, patients=self._can_use_patients(split))
        if not self.entry.oversampled:
            resolved = replace(resolved, oversample="none")
        if not self.entry.calibrated:
            resolved = replace(resolved, decide="natural")
        resolved = resolved.suited_to_machine()
        if split.protocol is None or self.entry.baseline:
            return resolved
        resampling = split.protocol.training
        resolved = replace(resolved.resampled_as(resampling, split), decide="natural")
        for name in ("oversample", "rare", "rare_to", "decide"):
            if getattr(self, name) not in (getattr(Recipe, name), getattr(resolved, name)):
                raise UsageError(
                    f"{split.kind} resamples and decides as its source did "
                    f"({resampling.method}, natural); {name} cannot be {getattr(self, name)!r}.",
                    "Leave out --oversample, --rare, --rare-to and --decide.",
                )
        return resolved

    def _can_use_patients(self, split: "Split") -> bool:
        """Return whether the model uses patient data: the baseline does not."""
        if not (self.entry.patients or self.entry.baseline):
            raise UsageError(
                f"The model {self.model} takes no patient data.",
                "Say --patients no. With both, a benchmark has one row of it, without them.",
            )
        if split.data.patients is None:
            raise UsageError(
                f"{split.data.name} has no patient data: age, sex and site are unknown.",
                "Put HAM10000_metadata.csv beside the pixel file or name it with --metadata.",
            )
        return self.entry.patients

    def suited_to_machine(self) -> "Recipe":
        """Return the recipe with the device and the precision that ``auto`` means here.

        A composed model has those of its members.

        Raises
        ------
        UsageError
            If a GPU is asked for and cannot be used.
        DataMissingError, TrustError
            If the model starts from ImageNet weights that are not installed, or are others.
        """
        from hmnist.models.efficientnet import find_imagenet
        from hmnist.models.precision import choose_precision

        entry, device, precision = self.entry, "cpu", Recipe.precision
        if entry.imagenet:
            find_imagenet()
        if entry.on_gpu or entry.composed:
            device, _ = choose_device(self.device)
        if "precision" in entry.settings or entry.composed:
            precision = self.precision
            if precision == "auto":
                precision, _ = choose_precision(device, self.threads)
        return replace(self, device=device, precision=precision)

    def resampled_as(self, resampling: "Resampling", split: "Split") -> "Recipe":
        """Return the recipe with the resampling that a protocol does to its training part."""
        from hmnist.splits.protocols import target_of

        method, rare = resampling.method, resampling.diagnoses
        target = target_of(resampling, split.train.labels)
        return replace(self, oversample=method, rare=rare, rare_to=target)

    def _check_names(self) -> None:
        from hmnist.decisions.decision import KINDS
        from hmnist.models.precision import PRECISIONS
        from hmnist.models.pretrained import check_weights_name
        from hmnist.models.registry import EFFORTS, FEATURES
        from hmnist.oversampling import is_method
        from hmnist.oversampling.methods import METHODS

        check_weights_name(self.pretrained)
        if not is_method(self.oversample):
            raise unknown_name("oversampling method", self.oversample, METHODS)
        for kind, name, known in (
            ("decision", self.decide, KINDS),
            ("effort", self.effort, EFFORTS),
            ("set of features", self.features, FEATURES),
            ("precision", self.precision, PRECISIONS),
            ("device", self.device, DEVICES),
            *(("diagnosis", code, CODES) for code in self.rare),
        ):
            if not isinstance(name, str) or name not in known:
                raise unknown_name(kind, str(name), known)


def check_one_pretrained_file(recipes: Sequence[Recipe]) -> None:
    """Refuse one file of pretrained weights for several models, before any work begins."""
    from hmnist.models.pretrained import PRETRAINED

    paths = {recipe.pretrained for recipe in recipes} - set(PRETRAINED)
    models = [recipe.model for recipe in recipes if "pretrained" in recipe.entry.settings]
    if paths and len(set(models)) > 1:
        several = " and ".join(dict.fromkeys(models))
        raise UsageError(
            f"The weights in {paths.pop()} are those of one network, but {several} are several.",
            "Name one of them, or --pretrained none.",
        )
