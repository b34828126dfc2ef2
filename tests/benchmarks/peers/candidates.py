"""The candidates of a random search, the same for every tool that samples at random."""

from search.tuning.drawn_points import PlanRequest, random_point
from spaces import Candidate, load_space


def candidate_at(name: str, seed: int, index: int) -> Candidate:
    """Return the space's `index`-th random candidate, which `search run` tries `index`-th."""
    space = load_space(name)
    request = PlanRequest(space, seed, lambda _candidate: None)
    return space.candidate(random_point(request, index))
