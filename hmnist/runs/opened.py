"""`check_opened`: what works on a run is given a run, not the name of its folder."""

import os

from hmnist.errors import check_kind
from hmnist.runs.run import Run


def check_opened(run: object) -> None:
    """Refuse what is not a `Run`, such as the name of its folder.

    Examples
    --------
    >>> check_opened("runs/cnn")
    Traceback (most recent call last):
    hmnist.errors.UsageError: Expected a Run, not 'runs/cnn'. Open it first: \
hmnist.open_run('runs/cnn')
    """
    if isinstance(run, str | os.PathLike):
        hint = f"Open it first: hmnist.open_run({os.fspath(run)!r})"
    else:
        hint = "hmnist.open_run opens a run folder."
    check_kind(run, Run, hint)
