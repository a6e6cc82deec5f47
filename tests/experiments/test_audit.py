from hmnist.experiments.audit import share_cores


def test_two_jobs_rather_than_two_threads() -> None:
    assert share_cores(None, None, cores=2) == (2, 1)
    assert share_cores(None, 2, cores=2) == (1, 2)
