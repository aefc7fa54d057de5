"""Rolling-origin backtests: the last windows of series are forecast from what was before them, and scored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Iterator, NamedTuple, Sequence

import numpy as np

from . import _inputs, _metrics, _native
from ._told import warn

if TYPE_CHECKING:
    from .pipeline import Chronos2Pipeline


class Evaluation(NamedTuple):
    """What `Chronos2Pipeline.evaluate` returns. Tables are dicts of columns, as pandas.DataFrame takes them."""

    overall: dict[str, list[Any]]
    """metric, model, seasonal_naive: each metric over all series, as fev computes it, then the mean of the windows. NaN
    where a window or a target has none, with a warning."""
    series: dict[str, list[Any]]
    """item_id, target_name, metric, model, seasonal_naive: each series and target alone, mean of its windows."""
    coverage: dict[str, list[Any]]
    """low, high, nominal, observed: the share of the truths between two quantiles, and what it should be."""
    seasonality: int
    windows: int


class Asked(NamedTuple):
    """Arguments of evaluate that concern all kinds of data."""

    pipeline: Chronos2Pipeline
    horizon: int
    windows: int
    stride: int
    levels: Sequence[float]
    known: Sequence[str]
    options: dict[str, Any]

    def cuts(self, lengths: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Of each window, the oldest first: which series reach it, and how many of their steps are its past."""
        need = self.horizon + (self.windows - 1) * self.stride + 1
        if len(lengths) == 0:
            raise ValueError(f"expected a series of more than {self.horizon} steps, found no series")
        longest = lengths.max()
        if longest <= self.horizon:
            raise ValueError(f"expected a series of more than {self.horizon} steps, found at most {longest}")
        if longest < need:
            raise ValueError(f"windows: the longest series has {longest} steps, which is enough for "
                             f"{(longest - 1 - self.horizon) // self.stride + 1}, found {self.windows}")
        short = int((lengths < need).sum())
        if short:
            warn(f"{short} of {len(lengths)} series are shorter than the {need} steps that all windows need, "
                 "and are left out of those that they don't reach")
        for window in reversed(range(self.windows)):
            cut = lengths - self.horizon - window * self.stride
            yield np.flatnonzero(cut > 0), cut


# ---- Tables ---------------------------------------------------------------------------------------


def of_table(asked: Asked, df: Any, id_column: str, timestamp_column: str, targets: list[str], freq: Any,
             seasonality: int | None) -> Evaluation:
    from . import _frames

    df = _frames.to_pandas(df, "df", [id_column, timestamp_column, *targets, *asked.known])
    missing = {id_column, timestamp_column, *targets, *asked.known} - set(df.columns)
    if missing:
        raise ValueError(f"df does not contain all expected columns. Missing columns: {sorted(missing)}")
    for name in targets:
        _frames.target_numbers(str(name), df[name])
    df[timestamp_column] = _frames.times(str(timestamp_column), df[timestamp_column])  # texts sort otherwise
    _frames.check_cells(str(id_column), df[id_column])
    for name in (id_column, timestamp_column):
        if df[name].isna().any():  # groups would leave such rows out, and a sort move them
            raise ValueError(f"df has a missing value in column '{name}'")
    freq = _frames.spell_freq(freq)
    _check_steps(asked, df, id_column, timestamp_column, targets[0], freq)
    items = [(name, rows.sort_values(timestamp_column, kind="stable"))
             for name, rows in df.groupby(id_column, sort=False, observed=True)]
    values = [rows[targets].to_numpy(np.float64, na_value=np.nan).T for _, rows in items]
    _check_finite(asked, values, [f"item '{name}'" for name, _ in items], targets)
    columns = [id_column, timestamp_column, *asked.known]
    if freq is None:  # one for all items that have a window, where pandas knows a name of it
        found = {_frames.infer_freq(rows[timestamp_column]) for _, rows in items if len(rows) > max(2, asked.horizon)}
        if len(found - {None}) > 1:
            raise ValueError(f"All time series must have the same frequency, found {sorted(found - {None})}")
        freq = found.pop() if len(found) == 1 else None

    def forecast(index: np.ndarray, cut: np.ndarray) -> np.ndarray:
        past = _frames.concat([items[i][1].iloc[:cut[i]] for i in index])
        future = _frames.concat([items[i][1].iloc[cut[i]:cut[i] + asked.horizon][columns] for i in index])
        found = asked.pipeline.predict_df(past, future if asked.known else None, id_column, timestamp_column, targets,
                                          asked.horizon, asked.levels, freq=freq, **asked.options)
        numbers = found[["predictions", *map(str, asked.levels)]].to_numpy(np.float64)
        return numbers.reshape(len(index), len(targets), asked.horizon, -1)

    if seasonality is None:
        seasonality = _native.season_of(freq)
        if freq is None and items:
            warn("pandas has no name for the frequency, so that a season has 1 step; seasonality= changes it")
    return _judge(asked, [name for name, _ in items], targets, values, forecast, seasonality)


def _check_steps(asked: Asked, df: Any, id_column: str, timestamp_column: str, target: str, freq: str | None) -> None:
    """Refuses and warns of what predict_df does in all ids and time stamps of items that have a window, those of the
    windows too: it forecasts one step of nothing."""
    rows = df.groupby(id_column, observed=True)[id_column].transform("size")
    columns = df.loc[rows > asked.horizon, [id_column, timestamp_column]]
    if columns.empty or not asked.options.get("validate_inputs", True):
        return
    columns = columns.assign(**{str(target): 0.0})
    asked.pipeline.predict_df(columns, None, id_column, timestamp_column, str(target), 1, [], context_length=1,
                              freq=freq)


# ---- Arrays ---------------------------------------------------------------------------------------


def of_arrays(asked: Asked, inputs: Any, freq: Any, seasonality: int | None) -> Evaluation:
    if not (freq is None or isinstance(freq, str)):
        from . import _frames

        freq = _frames.spell_freq(freq)
    season = _native.season_of(freq)
    if seasonality is None:
        seasonality = season
    elif freq is not None:
        warn("freq is ignored beside seasonality")
    items = [_item(item, index, asked.known) for index, item in enumerate(_inputs.listed(inputs))]
    counts = {len(target) for target, _ in items}
    if len(counts) != 1:
        raise ValueError(f"expected series of the same number of targets, found {sorted(counts)}")
    values = [target.astype(np.float64) for target, _ in items]
    names = [f"target_{k}" if len(values[0]) > 1 else "target" for k in range(len(values[0]))]
    _check_finite(asked, values, [f"series {index}" for index in range(len(items))], names)

    def forecast(index: np.ndarray, cut: np.ndarray) -> np.ndarray:
        cuts = [_cut(*items[i], cut[i], asked) for i in index]
        quantiles, median = asked.pipeline.predict_quantiles(cuts, asked.horizon, asked.levels, return_type="numpy",
                                                             **asked.options)
        shape = (counts.copy().pop(), asked.horizon, 1 + len(asked.levels))
        return np.stack([np.full(shape, np.nan) if q is None else np.concatenate([m[..., None], q], -1)
                         for m, q in zip(median, quantiles)]).astype(np.float64)

    return _judge(asked, list(range(len(items))), names, values, forecast, seasonality)


def _item(item: Any, index: int, known: Sequence[str]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Target [targets][length] and covariates of one input."""
    if not isinstance(item, Mapping):
        item = {"target": item}
    if not set(item) <= {"target", "past_covariates"} or "target" not in item:
        raise ValueError(f"element {index}: expected the keys target and past_covariates, whose known ones "
                         f"known_covariates names, found {sorted(map(str, item))}")
    target = _inputs.check_dict(item, index, 0)
    covariates = {name: _inputs.to_array(values) for name, values in item.get("past_covariates", {}).items()}
    if not set(known) <= set(covariates):
        raise ValueError(f"element {index}: known_covariates: expected names among {sorted(covariates)}, found "
                         f"{sorted(known)}")
    return target, covariates


def _cut(target: np.ndarray, covariates: dict[str, np.ndarray], cut: int, asked: Asked) -> dict[str, Any]:
    return {"target": target[:, :cut], "past_covariates": {name: v[:cut] for name, v in covariates.items()},
            "future_covariates": {name: covariates[name][cut:cut + asked.horizon] for name in asked.known}}


# ---- What is not scored ----------------------------------------------------------------------------


def _check_finite(asked: Asked, values: Sequence[np.ndarray], items: Sequence[str], targets: Sequence[Any]) -> None:
    """Refuses infinite targets of series that have a window, as forecasts do of their pasts; they are left out where
    errors are skipped."""
    if asked.options.get("on_error") == "skip":
        return
    for item, rows in zip(items, values):
        for target, row in zip(targets, rows):
            if len(row) > asked.horizon and np.isinf(row).any():
                raise ValueError(f"{item}: {target}: value {int(np.argmax(np.isinf(row)))} is infinite")


class _Lacks:
    """Series that some windows leave out, or score though there is nothing to score."""

    def __init__(self, names: Sequence[Any]) -> None:
        self._names = names
        self._found: dict[str, set[int]] = {}

    def add(self, index: np.ndarray, here: np.ndarray, said: str) -> None:
        """`here`: which rows of a window's series."""
        if here.any():
            self._found.setdefault(said, set()).update(index[here].tolist())

    def warn(self) -> None:
        for said, series in self._found.items():
            one = len(series) == 1
            warn(f"{len(series)} series, '{self._names[min(series)]}'{'' if one else ' the first'}, "
                 f"{said.format(has='has' if one else 'have')}")


_BLANK_PAST = "{has} no observed value before some window: scored like the others"
_BLANK_WINDOW = "{has} no observed value in some window, which is left out of the scores"
_INFINITE = "{has} an infinite value in some window, which is left out of the scores"
_FAILED = "{has} no forecast of some window, which is left out of the scores"


# Of metrics that share it: which ones, and why a series has none of its own.
_WITHOUT = {"MASE": ("MASE, RMSSE or SQL", "the past never differs from a season before, or is shorter than that"),
            "WAPE": ("WAPE, WAPEB or WQL of its own", "the truth is 0 throughout")}


class _Oddities:
    """Observed steps at which metrics have no error, or an infinite one, by the model and by seasonal naive."""

    _GAPS = {"RMSLE": "truth or forecast is below -1", "MAPE": "the truth is 0", "SMAPE": "truth and forecast are 0"}
    _BEYOND = {"logarithmic": "truth or forecast is -1",
               "squared": "squares are beyond the range of floating-point numbers"}

    def __init__(self) -> None:
        self.observed = 0
        self._gaps, self._beyond = ({metric: [0, 0] for metric in _metrics.METRICS} for _ in range(2))

    def add(self, metric: str, forecaster: int, score: _metrics.Score) -> None:
        self._gaps[metric][forecaster] += score.gaps
        self._beyond[metric][forecaster] += score.beyond

    def warn(self) -> None:
        for metric, why in self._GAPS.items():
            if any(self._gaps[metric]):
                warn(f"steps are left out of {metric} where {why}: {_by(self._gaps[metric])} of {self.observed}")
        reasons: dict[tuple[str, str], list[str]] = {}
        for metric, steps in self._beyond.items():
            if any(steps):
                why = self._BEYOND.get(_metrics.METRICS[metric].error,
                                       "differences are beyond the range of floating-point numbers")
                reasons.setdefault((why, _by(steps)), []).append(metric)
        for (why, counts), metrics in reasons.items():
            warn(f"errors of {', '.join(metrics)} are infinite where {why}: at {counts} of {self.observed} steps")


def _by(steps: Sequence[int]) -> str:
    return f"{steps[0]} (model), {steps[1]} (seasonal_naive)"


# ---- Scores ---------------------------------------------------------------------------------------


def _judge(asked: Asked, names: list[Any], targets: list[str], values: list[np.ndarray], forecast: Any,
           seasonality: int) -> Evaluation:
    whole: dict[str, list[list[float]]] = {}
    single: dict[str, np.ndarray] = {}
    without = {metric: np.zeros((len(names), len(targets)), bool) for metric in _WITHOUT}
    oddities = _Oddities()
    inside = np.zeros((2, len(_metrics.bands(asked.levels))))
    windows = 0
    lacks = _Lacks(names)
    for index, cut in asked.cuts(np.array([v.shape[1] for v in values])):
        windows += 1
        past = [values[i][:, :cut[i]] for i in index]
        truth = np.stack([values[i][:, cut[i]:cut[i] + asked.horizon] for i in index])
        lacks.add(index, np.array([np.isnan(rows).all(-1).any() for rows in past]), _BLANK_PAST)
        lacks.add(index, np.isnan(truth).all(-1).any(-1), _BLANK_WINDOW)
        infinite = np.isinf(truth).any(-1)
        lacks.add(index, infinite.any(-1), _INFINITE)
        truth[infinite] = np.nan
        numbers = forecast(index, cut)
        failed = np.isnan(numbers).all((1, 2, 3))  # the model and seasonal naive are judged on the same series
        lacks.add(index, failed, _FAILED)
        truth[failed] = np.nan
        past = [np.full_like(rows, np.nan) if bad else rows for rows, bad in zip(past, failed)]
        naive = np.array([[_metrics.seasonal_naive(row, seasonality, asked.horizon) for row in rows] for rows in past])
        model = _metrics.Scored(past, truth, numbers[..., 0], numbers[..., 1:], asked.levels, seasonality)
        repeated = np.repeat(naive[..., None], len(asked.levels), -1)
        contenders = model, model._replace(point=naive, quantiles=repeated)
        for k, scored in enumerate(contenders):
            for metric, score in _metrics.scores(scored).items():
                there = ~np.isnan(score.series)
                whole.setdefault(metric, [[], []])[k].append(score.overall)
                sums = single.setdefault(metric, np.zeros((2, 2, len(names), len(targets))))
                sums[k, 0, index] += np.where(there, score.series, 0)
                sums[k, 1, index] += there
                if k == 1 and metric in without:
                    without[metric][index] |= ~there & ~np.isnan(truth).all(-1)
                oddities.add(metric, k, score)
        oddities.observed += int((~np.isnan(truth)).sum())
        inside += _covered(model)
    lacks.warn()
    for metric, (which, why) in _WITHOUT.items():
        if count := int(without[metric].sum()):
            warn(f"{count} series {'has' if count == 1 else 'have'} no {which}{' in some window' * (windows > 1)}: {why}")
    oddities.warn()
    overall = _overall(whole)
    _warn_of_none(overall, windows, len(targets))
    return Evaluation(overall, _series(single, names, targets), _coverage(asked.levels, inside), seasonality,
                      windows)


def _overall(whole: dict[str, list[list[float]]]) -> dict[str, list[Any]]:
    return {"metric": list(whole), "model": [float(np.mean(pair[0])) for pair in whole.values()],
            "seasonal_naive": [float(np.mean(pair[1])) for pair in whole.values()]}


def _warn_of_none(overall: dict[str, list[Any]], windows: int, targets: int) -> None:
    """One window or target without a score leaves none of all."""
    lacks = {who: {metric for metric, value in zip(overall["metric"], overall[who]) if np.isnan(value)}
             for who in ("model", "seasonal_naive")}
    both = lacks["model"] & lacks["seasonal_naive"]
    for found, by in ((both, ""), (lacks["model"] - both, " by the model"),
                      (lacks["seasonal_naive"] - both, " by seasonal naive")):
        if found:
            names = [metric for metric in overall["metric"] if metric in found]
            warn(f"there is no {'score' if len(names) == len(overall['metric']) else ', '.join(names)} of all "
                 f"series{by}, as {'a' if windows > 1 else 'the'} window has none{' of some target' * (targets > 1)}")


def _series(single: dict[str, np.ndarray], names: list[Any], targets: list[str]) -> dict[str, list[Any]]:
    with np.errstate(all="ignore"):
        means = [sums[:, 0] / sums[:, 1] for sums in single.values()]
    each = len(targets) * len(single)
    return {"item_id": [name for name in names for _ in range(each)],
            "target_name": [name for name in targets for _ in single] * len(names),
            "metric": list(single) * (len(targets) * len(names)),
            **{name: np.stack([table[k] for table in means], -1).ravel().tolist()
               for k, name in enumerate(("model", "seasonal_naive"))}}


def _covered(s: _metrics.Scored) -> np.ndarray:
    """Truths inside each band, and all of them."""
    there = ~np.isnan(s.truth)
    inside = [((s.quantiles[..., low] <= s.truth) & (s.truth <= s.quantiles[..., high])).sum()
              for low, high in _metrics.bands(s.levels)]
    return np.array([inside, [there.sum()] * len(inside)], np.float64)


def _coverage(levels: Sequence[float], inside: np.ndarray) -> dict[str, list[Any]]:
    pairs = [(levels[low], levels[high]) for low, high in _metrics.bands(levels)]
    with np.errstate(all="ignore"):
        observed = (inside[0] / inside[1]).tolist()
    return {"low": [low for low, _ in pairs], "high": [high for _, high in pairs],
            "nominal": [round(high - low, 9) for low, high in pairs], "observed": observed}
