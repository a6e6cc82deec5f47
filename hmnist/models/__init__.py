"""The models: scikit-learn classifiers of skin-lesion images."""
