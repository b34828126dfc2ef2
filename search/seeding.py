"""Where every random number comes from: (study seed, names) -> seed. Pure."""

import hashlib
import json


def derive_seed(seed: int, *path: str | int) -> int:
    """Return a 63-bit seed, a hash of the study's seed and a path of names and numbers.

    A path reads from the wide to the narrow, such as `derive_seed(seed, "trial", 3, "fold", 0)`;
    different paths give unrelated seeds, and the same path always gives the same one.
    """
    text = json.dumps([seed, *path])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
