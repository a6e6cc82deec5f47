"""`CHECKS`: all checks, each with its code, its name, its needs and its function.

`parts` holds the functions that look at a split by its rows, `near_copies` those that compare its
images; `content`, `labels`, `metadata` and `pixels` look at the data, `shortcuts` at what tells a
diagnosis without a lesion, `groups` at patients of one age, sex or site, `columns` at features. A
new check is a function, which returns None, a `Found` or `TooFew`, and a line here.
"""

from hmnist.checks import (
    columns,
    content,
    groups,
    labels,
    metadata,
    near_copies,
    parts,
    pixels,
    shortcuts,
)
from hmnist.checks.subject import Check
from hmnist.splits.leaks import LEAKS

_NEAR = ("split", "sample", "detail")

_LIKE_HAM10000 = ("sample", "colour", "fine detail", "photographs")

_CAST = ("HM119",)
"""Images of nothing but 0 are the same."""

_NO_IMAGES = ("HM117", "HM118", "HM119")
"""Where these find something, images do not look as they should, and near ones may not be near."""

_NO_COLOURS = (*_NO_IMAGES, "HM120")

CHECKS = (
    Check("HM101", LEAKS["HM101"], ("split", "lesions"), parts.find_shared_lesions),
    Check("HM102", LEAKS["HM102"], ("split",), parts.find_resampled_before_split, _CAST),
    Check("HM103", LEAKS["HM103"], ("split",), parts.find_test_used_for_validation, _CAST),
    Check("HM104", "label order of another file", (), content.find_other_label_order),
    Check("HM105", "dx_type among the features", ("dx_type",), columns.find_dx_type_among_features),
    Check("HM106", "diagnosis among the features", (), columns.find_diagnosis_among_features),
    Check(
        "HM107", "one lesion under two ids", ("split", "images"), parts.find_lesion_under_two_ids
    ),
    Check(
        "HM108",
        "one image under two lesions",
        ("lesions",),
        content.find_image_under_two_lesions,
        _CAST,
    ),
    Check(
        "HM109", "one image with two diagnoses", (), content.find_image_with_two_diagnoses, _CAST
    ),
    Check("HM110", "repeated test images", ("split",), parts.find_repeated_test_images, _CAST),
    Check("HM111", "another mix in the test part", ("split",), parts.find_other_shares),
    Check("HM112", "unshuffled tail", ("split",), parts.find_unshuffled_tail),
    Check("HM113", "diagnosis missing from a part", ("split",), parts.find_missing_diagnoses),
    Check("HM114", "empty part", ("split",), parts.find_empty_parts),
    Check("HM115", "near copies in two parts", _NEAR, near_copies.find_near_copies, _NO_IMAGES),
    Check("HM116", "near images, lesions unknown", _NEAR, near_copies.find_near_images, _NO_IMAGES),
    Check("HM117", "pixels in another order", ("sample",), pixels.find_other_pixel_order),
    Check(
        "HM118",
        "blue, green, red",
        ("sample", "colour"),
        pixels.find_other_channel_order,
        ("HM117",),
    ),
    Check("HM119", "pixels of 0–1 as whole numbers", ("pictures",), pixels.find_cast_pixels),
    Check("HM120", "grey as colour", ("pictures", "colour"), pixels.find_grey_as_colour),
    Check("HM121", "images of one colour", ("pictures",), pixels.find_even_images),
    Check(
        "HM122",
        "metadata of other images",
        ("sample", "lesions"),
        metadata.find_other_metadata,
        _NO_IMAGES,
    ),
    Check(
        "HM123",
        "diagnoses exchanged",
        _LIKE_HAM10000,
        labels.find_exchanged_diagnoses,
        (*_NO_COLOURS, "HM128"),
    ),
    Check(
        "HM124",
        "wrong labels",
        ("sample", "colour", "photographs"),
        labels.find_wrong_labels,
        _NO_COLOURS,
    ),
    Check("HM125", "diagnosis with errors", ("features",), columns.find_diagnosis_with_errors),
    Check(
        "HM126", "name among the features", ("features",), columns.find_identifier_among_features
    ),
    Check(
        "HM127",
        "border tells the diagnosis",
        ("sample",),
        shortcuts.find_telling_border,
        (*_NO_IMAGES, "HM128"),
    ),
    Check(
        "HM128",
        "colour tells the diagnosis",
        ("sample",),
        shortcuts.find_telling_colours,
        _NO_IMAGES,
    ),
    Check(
        "HM129",
        "test images look different",
        ("split", "sample"),
        shortcuts.find_other_pictures_in_test,
        _NO_IMAGES,
    ),
    Check(
        "HM130",
        "a group far below the rest",
        ("sample", "fine detail", "patients"),
        groups.find_weak_group,
        _NO_IMAGES,
    ),
)
"""All checks, by code."""
