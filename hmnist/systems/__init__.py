"""Published systems: how each is built, trained, split and claimed to score, one file each.

A system is a module of this package that defines `SYSTEM`. To add or to delete one is to add or to
delete its file.
"""

import pkgutil
from importlib import import_module

from hmnist.errors import unknown_name
from hmnist.systems.system import System


def discover(package: str) -> dict[str, System]:
    """Return the systems that the modules of a package define, by name.

    The quickest to train come first, variants of others last.

    Raises
    ------
    ValueError
        If two systems have the same name, or a variant names a system that does not exist.
    """
    names = [module.name for module in pkgutil.iter_modules(import_module(package).__path__)]
    modules = [import_module(f"{package}.{name}") for name in names]
    defined: list[System] = [module.SYSTEM for module in modules if hasattr(module, "SYSTEM")]
    defined.sort(key=lambda system: (system.variant_of != "", system.seconds, system.name))
    systems = {system.name: system for system in defined}
    if len(systems) < len(defined):
        raise ValueError(f"Two of the systems in {package} have the same name.")
    for system in defined:
        if system.model not in systems:
            raise ValueError(f"{system.name} is a variant of {system.model}, which does not exist.")
    return systems


SYSTEMS = discover(__name__)
"""All published systems and their variants by name."""

AUDITED = tuple(name for name, system in SYSTEMS.items() if system.audited)
"""The systems that are audited by default."""


def find_system(name: str) -> System:
    """Return a system by its name; a `UsageError` if there is none.

    Examples
    --------
    >>> find_system("lenet").training.optimizer
    'RMSprop'
    """
    if name not in SYSTEMS:
        raise unknown_name("published system", name, SYSTEMS)
    return SYSTEMS[name]
