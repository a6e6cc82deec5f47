"""What a picture of a lesion offers to a linear model or to trees: named columns of numbers.

`lesion.LesionFeatures` turns images into a table. Each group of its columns has a module:
`patches` (small whitened pieces of training images as filters), `words` (how much of each colour),
`colour` (how bright and colourful, and where), `shape` (the lesion's outline) and `texture` (fine
structure). `views` makes the pictures that they look at, `geometry` knows where the rings and the
border lie, and `columns` keeps values and names together.
"""
