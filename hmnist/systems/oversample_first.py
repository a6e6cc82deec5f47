"""`oversample-first`: `lenet` with oversampling before the split, as many notebooks do it.

It is nobody's publication, and has no claim.
"""

from dataclasses import replace

from hmnist.systems import lenet
from hmnist.systems.protocol import Protocol, RaisedToCommonest, RandomDivision
from hmnist.systems.system import Claim

SYSTEM = replace(
    lenet.SYSTEM,
    name="oversample-first",
    summary="no publication's: lenet, oversampled before the split",
    protocol=Protocol(
        description="every diagnosis repeated up to the commonest, then a random 80/20 split by "
        "image whose test part also validates",
        division=RandomDivision(test=0.2),
        before_split=RaisedToCommonest(),
    ),
    claim=Claim(note="no publication's, here with lenet"),
    origins={},
    variant_of="lenet",
)
