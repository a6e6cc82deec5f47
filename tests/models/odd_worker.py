"""A process that answers with the request turned round, unless it is told to fail."""

import ctypes
import os
import time

from hmnist.errors import TrustError
from hmnist.models.isolation import LARGEST_MEMORY, serve


def answer(request: bytes) -> bytes:
    if request == b"raise":
        raise TrustError("it is odd", "Turn it round.")
    if request == b"crash":
        ctypes.string_at(0)
    if request == b"exit":
        os._exit(3)
    if request == b"allocate":
        return bytes(LARGEST_MEMORY)
    if request == b"long":
        return bytes(10_000)
    if request == b"sleep":
        time.sleep(120)
    print("libraries print")
    return request[::-1]


if __name__ == "__main__":
    serve(answer)
