"""What a picture of a lesion offers to a linear model or to trees: named columns of numbers.

`lesion.LesionFeatures` turns images into a table. Each group of its columns has a module:
`patches` (small whitened pieces of training images as filters), `words` (how much of each colour),
`colour` (how bright and colourful, and where), `shape` (the lesion's outline) and `texture` (fine
structure). They look at pictures from `views`, ask `geometry` where rings and border lie, and hand
values and names to `columns`. `pixels` checks what comes in; `state` is what fitting has found, as
plain arrays.
"""
