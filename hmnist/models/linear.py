"""Logistic regression, and the majority model that every other one has to beat."""

from collections.abc import Sequence

from sklearn.utils import Tags

from hmnist.models.base import Labels, Shape, Weights
from hmnist.models.tabular import EstimatorModel, Table

__all__ = ["Logistic", "Majority"]


class Logistic(EstimatorModel):
    """Multinomial logistic regression on standardised features.

    Parameters
    ----------
    classes, image_shape, random_state, features
        As in `TabularModel`.
    C : float
        The inverse strength of the ridge penalty.
    max_iter : int
        Steps of L-BFGS at most; ending early is a mild regularisation of its own.

    Attributes
    ----------
    estimator_ : sklearn.pipeline.Pipeline
        Scaler and regression.
    """

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        image_shape: Shape | None = None,
        random_state: int | None = None,
        *,
        features: str = "pixels",
        C: float = 1e-3,
        max_iter: int = 100,
    ) -> None:
        super().__init__(classes, image_shape, random_state, features=features)
        self.C = C
        self.max_iter = max_iter

    def _fit_table(
        self,
        table: Table,
        labels: Labels,
        weights: Weights | None,
        validation: tuple[Table, Labels] | None,  # noqa: ARG002 - nothing here ends early
    ) -> None:
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        regression = LogisticRegression(C=self.C, max_iter=self.max_iter)
        estimator = make_pipeline(StandardScaler(), regression)
        with warnings.catch_warnings():
            # The limit on its steps is deliberate, so reaching it is no news.
            warnings.simplefilter("ignore", ConvergenceWarning)
            estimator.fit(
                table,
                labels,
                standardscaler__sample_weight=weights,
                logisticregression__sample_weight=weights,
            )
        self.estimator_ = estimator

    @property
    def n_iter_(self) -> int:
        """The steps that L-BFGS took."""
        return int(self.estimator_[-1].n_iter_.max())

    @property
    def parameter_count(self) -> int:
        """The number of coefficients and intercepts."""
        regression = self.estimator_[-1]
        return int(regression.coef_.size + regression.intercept_.size)


class Majority(EstimatorModel):
    """The share of each diagnosis in training, whatever the image shows.

    Its accuracy is that of calling everything a naevus: what a table has to be read against.
    """

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        image_shape: Shape | None = None,
        random_state: int | None = None,
    ) -> None:
        super().__init__(classes, image_shape, random_state)

    def _fit_table(
        self,
        table: Table,
        labels: Labels,
        weights: Weights | None,
        validation: tuple[Table, Labels] | None,  # noqa: ARG002 - nothing here ends early
    ) -> None:
        from sklearn.dummy import DummyClassifier

        self.estimator_ = DummyClassifier(strategy="prior").fit(table, labels, weights)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    @property
    def parameter_count(self) -> int:
        """One share per diagnosis."""
        return len(self.classes_)
