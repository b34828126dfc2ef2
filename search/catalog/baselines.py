"""The baseline studies that lie in the same storage as a study."""

from collections.abc import Iterator

import optuna

from search.tuning.records import StudyRecord
from search.tuning.store import read_study


def stored_baselines(study: optuna.Study) -> Iterator[StudyRecord]:
    """Yield every baseline study of the study's storage, whatever it was trained on.

    Studies that other programs made are passed over.
    """
    storage = study._storage
    for stored in storage.get_all_studies():
        recipe = stored.user_attrs.get("recipe")
        if isinstance(recipe, dict) and recipe.get("sampler") == "baseline":
            yield read_study(optuna.load_study(study_name=stored.study_name, storage=storage))
