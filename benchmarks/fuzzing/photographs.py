"""Damaging photographs: saved in other modes and formats, or with a header that lies."""

import io
import zlib
from random import Random

from PIL import Image


def damage_photograph(content: bytes, random: Random) -> bytes:
    """Save a picture in another mode or format, or let it claim another size."""
    image: Image.Image = Image.open(io.BytesIO(content))
    form = random.choice(("PNG", "GIF", "TIFF", "BMP", "JPEG", "WEBP", "size"))
    if form == "size":
        return _claim_size(image, random)
    mode = random.choice(("RGB", "L", "P", "1", "CMYK", "RGBA", "I;16", "F", "YCbCr"))
    file = io.BytesIO()
    try:
        changed = image.convert(mode)
        if random.random() < 0.3:
            changed = changed.crop((0, 0, random.choice((1, 5, 3000)), random.choice((1, 7))))
        more = {"append_images": [image], "save_all": True} if form in {"GIF", "TIFF"} else {}
        changed.save(file, form, **more)
    except (OSError, ValueError):  # formats do not know all modes
        return content[: random.randrange(len(content))]
    return file.getvalue()


def _claim_size(image: Image.Image, random: Random) -> bytes:
    """Return a PNG whose header claims another size, with the right checksum."""
    file = io.BytesIO()
    image.convert("RGB").save(file, "PNG")
    content = file.getvalue()
    sides = (random.choice((0, 1, 1000, 20_000, 2**31 - 1, 2**32 - 1)) for _ in range(2))
    header = b"IHDR" + b"".join(side.to_bytes(4, "big") for side in sides) + content[24:29]
    return content[:12] + header + zlib.crc32(header).to_bytes(4, "big") + content[33:]
