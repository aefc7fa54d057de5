"""What users pass to `predict`, as series of the engine: arrays, lists, dictionaries, prepared inputs."""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ._native import (TRUTHS, Covariate, Labels, Series, all_numbers, common_type, dates_in, holds_booleans, is_column,
                      is_missing, joined, mixed, objects, ranked_labels, unseen_labels)
from ._model import whole_number
from ._told import warn

_KEYS = {"target", "past_covariates", "future_covariates"}
_PREPARED_KEYS = {"context", "future_covariates", "n_targets", "n_covariates", "n_future_covariates"}


def is_array(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return isinstance(value, np.ndarray) or (torch is not None and isinstance(value, torch.Tensor))


def to_array(value: Any, where: str = "") -> np.ndarray:
    """NumPy's view or copy of an array, tensor, list or column."""
    if is_table(value):
        raise TypeError(f"Expected an array, found {type(value).__name__}{where}. Tables are for predict_df and "
                        "evaluate.")
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().cpu().resolve_conj().resolve_neg()
        foreign = value.is_floating_point() and value.dtype not in (torch.float16, torch.float32, torch.float64)
        value = (value.float() if foreign else value).numpy()
    masked = sys.modules.get("numpy.ma")  # without it there is no masked array
    if masked is not None and isinstance(value, masked.MaskedArray):
        value = _unmasked(value)
    elif masked is not None and isinstance(value, (list, tuple)) and _has_masks(value, masked):
        value = _gather(value, where, masked.masked)
    try:
        return np.asarray(value)
    except ValueError:  # numpy's text is of sequences within it
        raise ValueError(f"Expected rows of the same length{where}.") from None


def _has_masks(values: Sequence[Any], masked: Any) -> bool:
    """By the types of its elements, since there may be millions."""
    kinds = set(map(type, values))
    return any(issubclass(kind, masked.MaskedArray) for kind in kinds) or (
        not kinds.isdisjoint((list, tuple)) and any(_has_masks(row, masked) for row in values
                                                    if isinstance(row, (list, tuple))))


def _gather(values: Sequence[Any], where: str, gap: Any) -> Any:
    """Rows or elements whose masks numpy.asarray forgets. `gap`: an element that is missing."""
    mask = np.array([value is gap for value in values])
    if not mask.any():
        return [to_array(row, where) for row in values]
    there = to_array([value for value in values if value is not gap], where)
    if there.ndim != 1:  # rows beside elements: numpy refuses them
        return list(values)
    whole = np.ma.masked_array(np.zeros(len(values), there.dtype), mask)
    whole.data[~mask] = there
    return _unmasked(whole)


def _unmasked(value: Any) -> np.ndarray:
    """Of the same kind as its values, with what is masked missing: NaN, NaT or None."""
    kind = value.dtype.kind
    if kind in "iuf":
        return value.astype(np.float64).filled(np.nan)
    if kind in "mM":
        return value.filled(np.array("NaT", value.dtype))
    if kind == "c" or not np.any(value.mask):
        return value.data
    return np.where(value.mask, None, value.data.astype(object))  # filled(None) fills in a text


def to_numbers(value: Any, where: str = "", spelled: bool = False) -> np.ndarray:
    """float32 or float64; not copied where the engine can read it as it lies. Texts are no numbers, unless they may be
    `spelled`."""
    array = to_array(value, where)
    if array.dtype.kind in "mMc" or array.dtype.type is np.void:  # bfloat16 of ml_dtypes is of kind V
        raise ValueError(f"expected numbers, found {array.dtype}{where}")
    if array.dtype.kind in "USO":
        values = array.ravel().tolist()
        if not spelled and any(isinstance(value, (str, bytes)) for value in values):
            raise TypeError(f"Expected numbers, found texts{where}.")
        if dates := dates_in(values):
            raise TypeError(f"Expected numbers, found {dates}{where}.")
        array = _read(values, where).reshape(array.shape)
    return array if is_column(array) else np.ascontiguousarray(array, np.float64)


def _read(values: Sequence[Any], where: str) -> np.ndarray:
    try:
        return np.array([np.nan if is_missing(value) else value for value in values], np.float64)
    except (TypeError, ValueError):
        wrong = next(value for value in values if not _is_readable(value))
        if isinstance(wrong, (str, bytes)):  # of the kind that pandas raises upstream
            raise ValueError(f"Expected numbers, found {reprlib.repr(wrong)}{where}.") from None
        raise TypeError(f"Expected numbers, found {type(wrong).__name__}{where}.") from None


def _is_readable(value: Any) -> bool:
    try:
        return is_missing(value) or float(value) is not None
    except (TypeError, ValueError):
        return False


def is_table(value: Any) -> bool:
    """Which NumPy would take for its rows. A column may be a stream of Arrow too."""
    if isinstance(value, np.ndarray):
        return False
    is_column = hasattr(value, "dtype") or hasattr(value, "type")
    return hasattr(value, "columns") or (hasattr(value, "__arrow_c_stream__") and not is_column)


def is_single(value: Any) -> bool:
    """Not an array or list of values."""
    return np.isscalar(value) or not (hasattr(value, "__len__") or hasattr(value, "__array__"))


def listed(inputs: Any) -> Any:
    """A 3-d array, or a list of one or more series."""
    if is_array(inputs):
        if inputs.ndim != 3:
            raise ValueError("Expected 3-d tensor with shape (n_series, n_variates, history_length), got shape "
                             f"{tuple(inputs.shape)}.")
    elif isinstance(inputs, Mapping) or is_table(inputs) or not isinstance(inputs, Iterable):
        hint = (" One series is a list of one dict." if isinstance(inputs, Mapping) else
                " Tables are for predict_df and evaluate." if is_table(inputs) else "")
        raise TypeError(f"Expected a 3-d array, a list of arrays or a list of dicts, found {type(inputs).__name__}."
                        f"{hint}")
    elif not isinstance(inputs, (list, tuple)):
        inputs = list(inputs)
    if len(inputs) == 0:
        raise ValueError("`inputs` is empty. Please provide at least one time series.")
    if is_single(inputs[0]):
        raise TypeError("Expected a 3-d array, a list of arrays or a list of dicts, found a list of "
                        f"{type(inputs[0]).__name__}. One series is a list of one array.")
    return inputs


def to_series(inputs: Any, horizon: int) -> list[Series]:
    """Series of whatever `predict` accepts."""
    inputs = listed(inputs)
    if is_array(inputs):
        return [Series(target) for target in to_numbers(inputs)]
    first = inputs[0]
    if isinstance(first, Mapping) and "context" in first:
        return _from_prepared(inputs, horizon)
    if isinstance(first, Mapping):
        return _from_dicts(inputs, horizon)
    return _from_arrays(inputs)


def is_unknown(value: Any, where: str = "") -> bool:
    """A future that isn't there."""
    return value is None or to_array(value, where).shape == (0,)


# ---- What series lack -----------------------------------------------------------------------------


def warn_of_lacks(series: Sequence[Series], forecasts: bool = True) -> None:
    """Tells what series lack though a forecast goes on without it, as tables are told of it. `forecasts`: what comes
    behind them is asked for."""
    for said in _lacks(series, forecasts):
        warn(said)


def warn_of_passes(series: Sequence[Series], batch_size: int) -> None:
    """Under cross_learning series inform those alone that share their pass, as src/base/passes.h counts them."""
    passes, rows, counts = 0, batch_size, [len(item.target) + len(item.covariates) for item in series]
    for count in counts:
        if rows >= batch_size:
            passes, rows = passes + 1, 0
        rows += count
    if passes > 1:
        warn(f"{sum(counts)} rows are more than batch_size {batch_size}: series inform each other within {passes} "
             f"passes only{', of one series each' * (passes == len(counts))}")


def _lacks(series: Sequence[Series], forecasts: bool) -> Iterator[str]:
    steps = [_open_steps(item) for item in series]
    empty = [i for i, item in enumerate(series) if len(item.target) and steps[i] == len(item.target[0])]
    if empty:
        yield f"{_who(empty, 'holds', 'hold')} no observed value"
    blank = {i: c.name for i, item in enumerate(series) for c in item.covariates if len(c.past) and _is_blank(c)}
    if blank:
        yield (f"{_who(list(blank), 'has', 'have')} a covariate without an observed value in the past, "
               f"'{blank[min(blank)]}' the first: its effect is unknown")
    ends = {i: count for i, count in enumerate(steps) if count > 0 and i not in empty}
    if forecasts and ends:
        longest = max(ends.values())
        yield (f"{_who(list(ends), 'ends', 'end')} in missing targets, for {longest} step{'s' * (longest > 1)}"
               f"{' at most' * (len(ends) > 1)}: the forecast begins after the last row, not after the last "
               "observation")
    unknown = [(i, c.name, count) for i, item in enumerate(series) for c in item.covariates
               if (count := missing_ahead(c)) > 0]
    if forecasts and unknown:
        yield say_unknown(sum(count for *_, count in unknown), f"covariate '{unknown[0][1]}' of series {unknown[0][0]}")


def _who(indices: Sequence[int], one: str, many: str) -> str:
    if len(indices) == 1:
        return f"series {indices[0]} {one}"
    return f"{len(indices)} series, {indices[0]} the first, {many}"


def _open_steps(item: Series) -> int:
    """Steps at the end at which no target is observed."""
    length = len(item.target[0]) if len(item.target) else 0
    if length == 0 or any(row[-1] == row[-1] for row in item.target):
        return 0
    there = np.flatnonzero(~np.all([np.isnan(row) for row in item.target], axis=0))
    return length - 1 - int(there[-1]) if len(there) else length


def _missing(c: Covariate, values: np.ndarray) -> np.ndarray:
    return np.isnan(values) if c.labels is None else values == 0


def _is_blank(c: Covariate) -> bool:
    return bool(_missing(c, c.past[-1:]).all() and _missing(c, c.past).all())


def missing_ahead(c: Covariate) -> int:
    """Missing values of a known future. A missing category is one of its own where the past has it."""
    if c.future is None or (c.labels is not None and _missing(c, c.past).any()):
        return 0
    return int(_missing(c, c.future).sum())


def say_unknown(count: int, where: str) -> str:
    """What is told of missing values of known futures."""
    return (f"{count} value{'s' * (count > 1)} of known futures, the first in {where}, "
            f"{'are missing and count' if count > 1 else 'is missing and counts'} as unknown")


# ---- Targets alone --------------------------------------------------------------------------------


def _from_arrays(inputs: Sequence[Any]) -> list[Series]:
    series = []
    for index, item in enumerate(inputs):
        if isinstance(item, Mapping):
            raise TypeError(f"Expected arrays in all elements, as the first is one, found {type(item).__name__} in "
                            f"element at index {index}.")
        target = to_numbers(item, f" in element at index {index}")
        if target.ndim not in (1, 2):
            raise ValueError("Each element should be 1-d or 2-d, with shape (history_length,) or (n_variates, "
                             f"history_length). Found element at index {index} with shape {tuple(target.shape)}.")
        series.append(Series(np.atleast_2d(target)))
    return series


# ---- Prepared inputs ------------------------------------------------------------------------------


def _from_prepared(inputs: Sequence[Any], horizon: int) -> list[Series]:
    series, longer = [], []
    for index, item in enumerate(inputs):
        context, future, targets, known = _check_prepared(item, index)
        if future.shape[1] > horizon > 0 and not np.isnan(future[:, horizon:]).all():
            longer.append(index)
        if future.shape[1] < horizon:  # as upstream does; they are told of as other missing values are
            future = np.pad(future, ((0, 0), (0, horizon - future.shape[1])), constant_values=np.nan)
        first = len(context) - known if horizon > 0 else len(context)
        series.append(Series(context[:targets], [
            Covariate(str(row), context[row], future[row, :horizon] if row >= first else None)
            for row in range(targets, len(context))]))
    if longer:
        warn(f"{_who(longer, 'has', 'have')} known values beyond prediction_length={horizon}, which are left out")
    return series


def _check_prepared(item: Any, index: int) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Context, future, and the numbers of targets and of known covariates."""
    if not isinstance(item, Mapping):
        raise TypeError(f"Expected prepared inputs in all elements, found {type(item).__name__} in element at index "
                        f"{index}.")
    missing = _PREPARED_KEYS - set(item)
    if missing:
        raise TypeError(f"Input is missing required keys: {missing} in element at index {index}.")
    context, future = (to_numbers(item[name], f" in '{name}' of element at index {index}")
                       for name in ("context", "future_covariates"))
    for name, rows in (("context", context), ("future_covariates", future)):
        if rows.ndim != 2:
            raise TypeError(f"Expected '{name}' to be 2-d, got shape {rows.shape} in element at index {index}.")
    if len(context) != len(future):
        raise ValueError("Expected 'context' and 'future_covariates' to have the same first dimension, got "
                         f"{len(context)} and {len(future)} in element at index {index}.")
    targets, covariates, known = (_count(f"'{name}' of element at index {index}", item[name])
                                  for name in ("n_targets", "n_covariates", "n_future_covariates"))
    if targets < 1 or covariates < 0 or targets + covariates != len(context):
        raise ValueError("Expected 'n_targets', at least 1, and 'n_covariates' to be the rows of 'context' together, "
                         f"got {targets} and {covariates} of {len(context)} in element at index {index}.")
    if not 0 <= known <= covariates:
        raise ValueError(f"Expected 'n_future_covariates' between 0 and n_covariates={covariates}, got {known} in "
                         f"element at index {index}.")
    if not np.isnan(future[:len(future) - known]).all():
        raise ValueError(f"Expected NaN in all rows of 'future_covariates' but the last n_future_covariates={known}, "
                         f"in element at index {index}.")
    return context, future, targets, known


def _count(name: str, value: Any) -> int:
    """Upstream takes int(): 1.0 and arrays of no dimension are numbers too."""
    if getattr(value, "ndim", None) == 0:
        value = value.item()
    return whole_number(name, int(value) if isinstance(value, float) and value.is_integer() else value)


# ---- Dictionaries ---------------------------------------------------------------------------------


def _from_dicts(inputs: Sequence[Mapping[str, Any]], horizon: int) -> list[Series]:
    targets = [check_dict(item, index, horizon) for index, item in enumerate(inputs)]
    names = dict.fromkeys(name for item in inputs for name in sorted(item.get("past_covariates", {})))
    columns = {}
    for name in sorted(names):
        columns[name] = _column(inputs, targets, name)
    return [Series(target, [column[index] for column in columns.values() if index in column])
            for index, target in enumerate(targets)]


def check_dict(item: Mapping[str, Any], index: int, horizon: int) -> np.ndarray:
    """The target of a dictionary in which everything has its place and length."""
    if not isinstance(item, Mapping):
        raise TypeError(f"Expected dicts in all elements, as the first is one, found {type(item).__name__} in element "
                        f"at index {index}.")
    if not set(item) <= _KEYS:
        raise ValueError(f"Found invalid keys in element at index {index}. Allowed keys are {_KEYS}, but found "
                         f"{set(item)}")
    if "target" not in item:
        raise ValueError(f"Element at index {index} does not contain the required key 'target'")
    target = to_numbers(item["target"], f" in `target` of element at index {index}")
    if target.ndim not in (1, 2):
        raise ValueError(f"Target must be 1-d or 2-d (got shape {tuple(target.shape)} at index {index}).")
    target = np.atleast_2d(target)
    past, future = (item.get(key, {}) for key in ("past_covariates", "future_covariates"))
    for key, group, length in (("past", past, target.shape[1]), ("future", future, horizon)):
        if not isinstance(group, Mapping):
            raise ValueError(f"Found invalid type for `{key}_covariates` in element at index {index}. Expected dict "
                             f'with {{"feat_1": tensor_1, ...}}, but found {type(group)}')
        what = "length of `target` (" if key == "past" else "prediction_length ("
        for name, value in group.items():
            where = f" in '{name}' of `{key}_covariates` of element at index {index}"
            if key == "future" and is_unknown(value, where):
                continue
            shape = to_array(value, where).shape
            if shape != (length,):
                raise ValueError(f"Individual `{key}_covariates` must be 1-d with length equal to the {what}= {length})"
                                 f", found: {name} with shape {tuple(shape)} in element at index {index}")
    if not set(future) <= set(past):
        raise ValueError(f"Expected keys in `future_covariates` must be a subset of `past_covariates` {sorted(past)}, "
                         f"but found {sorted(future)} in element at index {index}")
    return target


def _column(inputs: Sequence[Mapping[str, Any]], targets: Sequence[np.ndarray], name: str) -> dict[int, Covariate]:
    """A covariate of all dictionaries that have it, by their index: numbers in all of them, or labels in all."""
    past = {i: to_array(item["past_covariates"][name]) for i, item in enumerate(inputs)
            if name in item.get("past_covariates", {})}
    future = {i: to_array(inputs[i]["future_covariates"][name]) for i in past
              if not is_unknown(inputs[i].get("future_covariates", {}).get(name))}
    common = common_type(past)
    if np.issubdtype(common, np.number):
        if any(values.dtype == bool for values in past.values()):
            warn(f"covariate '{name}': numbers in some items, booleans in others: True counts as 1, False as "
                 "0")
        if any(holds_booleans(values) and past[i].dtype != bool for i, values in future.items()):
            warn(f"covariate '{name}': {TRUTHS}")
        ahead = {i: to_numbers(values, f" in the future of '{name}' of element at index {i}", spelled=True)
                 for i, values in future.items()}  # as upstream reads them
        return {i: Covariate(name, to_numbers(values, f" in '{name}' of element at index {i}"), ahead.get(i))
                for i, values in past.items()}
    past = joined(past)
    labels = Labels(_in_order(value for values in past.values() for value in objects(values)))
    if all_numbers(labels.codes):
        warn(f"covariate '{name}': numbers in an array of objects count as categories; astype(float) makes them "
             "numbers")
    if said := mixed(f"covariate '{name}'", labels.codes):
        warn(said)
    ahead = labels.of_futures(future)
    column = {i: Covariate(name, labels.of(values), ahead.get(i), labels) for i, values in past.items()}
    ranked = ranked_labels((c, len(targets[i])) for i, c in column.items())
    unseen = {i: unseen_labels(c, len(targets[i]), ranked) for i, c in column.items()}
    if any(unseen.values()):
        warn(f"covariate '{name}': categories that the past never had, so that their effect is unknown: "
             f"{sum(unseen.values())} future values, the first of series "
             f"{next(i for i in unseen if unseen[i])}")
    return column


def _in_order(values: Iterable[Any]) -> list[Any]:
    """The values that occur, sorted as pandas sorts categories: texts behind all others."""
    found = dict.fromkeys(value for value in values if not is_missing(value))
    try:
        return sorted(found, key=lambda value: (isinstance(value, str), value))
    except TypeError:  # not comparable: in the order of their appearance
        return list(found)
