"""The parameters of models as settings and manifests state them: checked, and made a model."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmnist.errors import HmnistError, TrustError, UsageError

if TYPE_CHECKING:
    from hmnist.models.base import Model

LARGEST = 10**6
"""The largest number of a parameter, seeds apart: no training ends that has more of anything."""


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Refuse numbers that no training and no memory has room for.

    Raises
    ------
    UsageError
        If a number is not finite or above `LARGEST`.

    Examples
    --------
    >>> check_parameters({"widths": (64, 10**9)})
    Traceback (most recent call last):
        ...
    hmnist.errors.UsageError: The parameter widths is 1000000000; it can be 1,000,000 at most.
    """
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            check_parameters(value)
            continue
        for number in value if isinstance(value, list | tuple) else (value,):
            is_number = isinstance(number, int | float) and name != "random_state"
            if is_number and not abs(number) <= LARGEST:
                raise UsageError(
                    f"The parameter {name} is {number}; it can be {LARGEST:,} at most."
                )


def restore_model(folder: Path, name: str, parameters: Mapping[str, Any]) -> "Model":
    """Make a model, unfitted, of the parameters that the manifest of a run folder states.

    Raises
    ------
    TrustError
        If the model has no such parameters, or they are of other types.
    """
    import msgspec

    from hmnist.models.registry import find_class, make_model

    try:
        msgspec.convert(dict(parameters), find_class(name))
        return make_model(name, **{key: _as_tuple(value) for key, value in parameters.items()})
    except (msgspec.MsgspecError, HmnistError) as error:
        raise TrustError(
            f"{folder} is damaged: it states parameters that {name} does not have: "
            f"{str(error).rstrip('.')}.",
            "Train it again.",
        ) from error


def _as_tuple(value: Any) -> Any:
    """Make tuples of the lists that JSON holds: estimators compare parameters by value."""
    return tuple(value) if isinstance(value, list) else value
