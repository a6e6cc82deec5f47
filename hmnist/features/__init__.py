"""Named numbers that describe the image of a lesion, for linear models and trees.

`lesion.LesionFeatures` turns images into a table. Each group of columns has its module: `patches`
(small whitened pieces of training images as filters), `codebook` (how much of each colour),
`colour` (distributions of colours), `shape` (the lesion's outline) and `texture` (fine structure).
`unfitted` describes images by the last three alone, which need no fitting.
`views` prepares the images, `geometry` says where rings and border lie, `columns` keeps values and
names together, `pixels` checks the input, and `state` saves what was fitted as plain arrays.
"""
