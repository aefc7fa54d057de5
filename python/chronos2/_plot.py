"""A picture of one series' past and forecast."""

from __future__ import annotations

from typing import Any

from ._metrics import bands
from ._model import whole_number


def plot(df: Any, forecast: Any, item: Any = None, *, id_column: str = "item_id", timestamp_column: str = "timestamp",
         target: str = "target", steps: int | None = None, ax: Any = None) -> Any:
    """Draws the end of a series, its median forecast, and the bands between quantile levels that lie as far from 0.5.
    It needs matplotlib and pandas.

    Parameters
    ----------
    df, forecast
        What went into `Chronos2Pipeline.predict_df`, and what came out.
    item
        Id of the series; None: the first of the forecast.
    target
        Name of the target.
    steps
        Of the past; None: three times as many as were forecast.
    ax
        Matplotlib axes; None: new ones.

    Returns
    -------
    The axes.
    """
    try:
        import matplotlib.pyplot as plt

        from . import _frames
    except ImportError:
        raise ImportError("plot needs matplotlib and pandas: pip install matplotlib pandas") from None

    if steps is not None and whole_number("steps", steps) < 0:
        raise ValueError(f"steps: expected at least 0, found {steps}")
    keys = [id_column, timestamp_column, target]
    past, ahead = _frames.to_pandas(df, "df", keys), _frames.to_pandas(forecast, "forecast", keys)
    if ahead.empty:
        raise ValueError("plot: the forecast has no rows")
    for table in (past, ahead):
        table[timestamp_column] = _frames.times(str(timestamp_column), table[timestamp_column])
    item = ahead[id_column].iloc[0] if item is None else item
    past, ahead = past[past[id_column] == item], ahead[ahead[id_column] == item]
    ahead = ahead[ahead["target_name"] == target]
    if ahead.empty:
        raise ValueError(f"plot: the forecast has no series {item!r} with the target {target!r}")
    if past.empty:
        raise ValueError(f"plot: df has no series {item!r}")
    past = past.sort_values(timestamp_column).tail(3 * len(ahead) if steps is None else steps)
    ax = plt.subplots(figsize=(8, 3))[1] if ax is None else ax
    ax.plot(past[timestamp_column], past[target], color="#1f2937", label=target)
    ax.plot(ahead[timestamp_column], ahead["predictions"], color="#2563eb", label="median")
    for low, high in _bands(ahead.columns):
        ax.fill_between(ahead[timestamp_column], ahead[low], ahead[high], color="#2563eb", alpha=0.15, linewidth=0,
                        label=f"{low} to {high}")
    ax.set_title(str(item))
    legend = ax.legend(loc="upper left", frameon=False)
    for depth, patch in enumerate(legend.get_patches(), 1):  # as they look one upon another
        patch.set_alpha(1 - 0.85 ** depth)
    return ax


def _bands(columns: Any) -> list[tuple[str, str]]:
    """Columns of quantile levels in pairs, the widest first: 0.1 and 0.9, 0.2 and 0.8."""
    names = [name for name in list(columns)[list(columns).index("predictions") + 1:] if name != "error"]
    return [(names[low], names[high]) for low, high in bands([float(name) for name in names])]
