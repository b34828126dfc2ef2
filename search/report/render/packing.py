"""Texts packed into a page: most of it is plotly's script, which shrinks to a third. Pure."""

import gzip
import json
from collections.abc import Mapping

import numpy as np
from markupsafe import Markup

# Each character holds 7 bits, in one byte of UTF-8. HTML would change two of them, and "<" could
# end the script element; they stand 256 higher, in two bytes.
_BITS = 7
_UNSAFE = {code: code + 256 for code in (0, ord("\r"), ord("<"))}


def pack(content: Mapping[str, object]) -> Markup:
    """Return a value of JSON as text that a script element can hold, compressed.

    Base 64 would take a sixth more. unpack.js.jinja reads it.
    """
    plain = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    packed = np.frombuffer(gzip.compress(plain.encode("utf-8"), mtime=0), np.uint8)
    bits = np.unpackbits(packed)
    whole = np.pad(bits, (0, -len(bits) % _BITS)).reshape(-1, _BITS)
    codes = np.packbits(whole, axis=1) >> (8 - _BITS)
    text = codes.tobytes().decode("ascii").translate(_UNSAFE)
    return Markup(text)  # noqa: S704 - no name can be read from it, and no "<" is in it


def unpack(text: str) -> dict[str, object]:
    """Return what `pack` packed."""
    codes = np.array([ord(one) & 127 for one in text], np.uint8)
    bits = np.unpackbits(codes[:, None], axis=1)[:, 8 - _BITS :].ravel()
    packed = np.packbits(bits[: len(bits) // 8 * 8]).tobytes()
    content: dict[str, object] = json.loads(gzip.decompress(packed))
    return content
