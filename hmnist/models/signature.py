"""Which files this user has written: a signature beside the file, with a key that nobody else has.

Hashes in a manifest say that a file is the one that was described, not who wrote it. The signature
is an HMAC (RFC 2104) with SHA-256 and a random key in the user's cache folder. A file that comes
from elsewhere, or whose key was deleted, is not signed. There is a slower way, then.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from hmnist.errors import TrustError
from hmnist.files import cache_folder, locked
from hmnist.guarded import LARGEST_ARRAYS, open_guarded

KEY_FILE = "key"
KEY_BYTES = 32


def sign(path: Path, signature: Path) -> None:
    """Write the signature of a file; nothing if there can be no key (a cache that is read-only)."""
    with contextlib.suppress(OSError):
        signature.write_text(_digest(path, _make_key()), encoding="ascii")


def is_signed(path: Path, signature: Path) -> bool:
    """Return whether a file is as this user has signed it."""
    try:
        with open_guarded(signature, 1000) as file:
            claimed = file.read()
        with open_guarded(cache_folder() / KEY_FILE, KEY_BYTES) as file:
            key = file.read()
        expected = _digest(path, key).encode()
    except TrustError:
        return False
    return len(key) == KEY_BYTES and hmac.compare_digest(claimed, expected)


def _digest(path: Path, key: bytes) -> str:
    with open_guarded(path, LARGEST_ARRAYS) as file:
        return hmac.new(key, hashlib.file_digest(file, "sha256").digest(), "sha256").hexdigest()


def _make_key() -> bytes:
    """Return the key, which is made if there is none; readable for the user alone.

    A process that was killed may have left a file without one.
    """
    path = cache_folder() / KEY_FILE
    with locked(path.with_suffix(".lock")):
        if not path.exists() or path.stat().st_size != KEY_BYTES:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
        return path.read_bytes()
