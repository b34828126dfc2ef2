"""Seeds: stable for ever, and unlike for unlike paths."""

from itertools import product

from search.seeding import derive_seed


def test_a_seed_is_the_same_in_every_process_and_release() -> None:
    """Stored studies go on only if these values never change."""
    assert derive_seed(0, "trial", 3, "fold", 0) == 2_118_097_512_068_313_337
    assert derive_seed(0) == 7_520_536_977_032_167_579


def test_different_paths_give_different_seeds() -> None:
    """Every study seed, trial, fold and purpose draws its own numbers."""
    paths = list(product(range(3), ("trial", "init"), range(20), ("fold", "refit"), range(5)))
    assert len({derive_seed(*path) for path in paths}) == len(paths)


def test_a_number_differs_from_its_text_and_a_path_from_its_parts_joined() -> None:
    """The hash keeps apart what looks alike when written one after the other."""
    assert derive_seed(0, 1) != derive_seed(0, "1")
    assert derive_seed(0, "a", "b") != derive_seed(0, "ab")
    assert derive_seed(0, 1, 2) != derive_seed(0, 12)
    assert derive_seed(1, 2) != derive_seed(2, 1)


def test_a_seed_fits_into_63_bits() -> None:
    """Torch and SQLite take signed 64-bit integers."""
    seeds = [derive_seed(0, i) for i in range(1000)]
    assert min(seeds) >= 0
    assert 2**60 < max(seeds) < 2**63
