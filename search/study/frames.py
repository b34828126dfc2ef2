"""Tables as pandas' data frames, where pandas is installed."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from search.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


def new_frame(rows: Sequence[Any], columns: Sequence[str], index: str) -> "pd.DataFrame":
    """Return a data frame with these columns, of which one is the index.

    Raises UserError if pandas is not installed.
    """
    if find_spec("pandas") is None:
        raise UserError("to_dataframe needs pandas: pip install 'cifar-search[notebook]'")
    import pandas as pd

    return pd.DataFrame(rows, columns=list(columns)).set_index(index)
