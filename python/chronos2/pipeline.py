"""`Chronos2Pipeline`, called as in chronos-forecasting 2.3.2, on the C engine."""

from __future__ import annotations

import os
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterable, Sequence

import numpy as np

from . import _hub, _inputs, _native
from ._model import (DEFAULT_LEVELS, Chronos2Model, check_text, list_levels, list_names, one_dtype, resolve_attention,
                     true_or_false, whole_number)
from ._evaluate import Evaluation
from ._progress import Progress, following
from ._told import warn
from .scenarios import EncodedContext

if TYPE_CHECKING:
    import fev

# Options of transformers' loaders that change nothing here.
_HARMLESS = {"force_s3_download", "low_cpu_mem_usage", "trust_remote_code", "use_safetensors"}


class ForecastType(Enum):
    SAMPLES = "samples"
    QUANTILES = "quantiles"


class _Dtypes:
    """Names and dtypes: torch's where torch is imported."""

    def __get__(self, instance: Any, owner: Any) -> dict[str, Any]:
        torch = sys.modules.get("torch")
        return {name: getattr(torch, name) if torch else name for name in ("bfloat16", "float32")}


class BaseChronosPipeline:
    """Opens a checkpoint with the pipeline that its config.json names: `Chronos2Pipeline`, the only one here."""

    forecast_type: ForecastType
    dtypes = _Dtypes()

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any = None, *args: Any, **kwargs: Any) -> Chronos2Pipeline:
        """See `Chronos2Pipeline.from_pretrained`."""
        return Chronos2Pipeline.from_pretrained(pretrained_model_name_or_path, *args, **kwargs)

    if TYPE_CHECKING:  # what every pipeline has

        def predict(self, *args: Any, **kwargs: Any) -> list[Any]: ...

        def predict_quantiles(self, *args: Any, **kwargs: Any) -> tuple[list[Any], list[Any]]: ...

        def predict_df(self, *args: Any, **kwargs: Any) -> Any: ...


class Chronos2Pipeline(BaseChronosPipeline):
    """Forecasts with a Chronos-2 checkpoint. Threads may share one; it can be pickled and used after a fork."""

    forecast_type: ForecastType = ForecastType.QUANTILES
    default_context_length: int = 2048

    def __init__(self, model: Chronos2Model, return_type: str | None = None) -> None:
        self.model = self.inner_model = model
        self.return_type = return_type
        self._opened_by: dict[str, Any] | None = None

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | os.PathLike[str] | None = None, *, device_map: Any = None,
        dtype: Any = None, torch_dtype: Any = None, revision: str | None = None, cache_dir: Any = None,
        local_files_only: bool = False, token: Any = None, force_download: bool = False,
        base_model: str | os.PathLike[str] | None = None, base_revision: str | None = None,
        attn_implementation: str = "sdpa",
        attention: str | None = None, radius: float | None = None, reg_global: bool = False, threads: int = 0,
        isa: str = "auto", device: str = "cpu", packed_cache: str | os.PathLike[str] | None = None,
        return_type: str | None = None, **ignored: Any,
    ) -> Chronos2Pipeline:
        """Opens a model.

        Parameters
        ----------
        pretrained_model_name_or_path
            A folder with config.json and safetensors (a LoRA adapter too), a name of a hub (looked up in the Hugging
            Face cache, else downloaded where huggingface_hub is installed), or None for the bundled checkpoint.
        revision, base_revision
            Branch, tag or commit of a model that a hub has, and of an adapter's base model; None: for a base model what
            the adapter names, else main. Pickles and copies of a pipeline name the commit that was opened.
        base_model
            Folder or name of an adapter's base model; None: what the adapter names.
        cache_dir
            The Hugging Face cache; None: where the environment says (HF_HUB_CACHE, HF_HOME), else
            ~/.cache/huggingface/hub.
        local_files_only
            True: a model of a hub that is not in the cache is an error, and nothing is downloaded.
        token
            For a private model of a hub; None: HF_TOKEN or the login. Pickles and copies leave it out.
        force_download
            Downloads a model of a hub again, where huggingface_hub is installed.
        device
            "cpu", or "cuda" or "cuda:1" where libchronos2_cuda.so is (float32 and bfloat16).
        device_map
            chronos-forecasting's argument for that. The engine runs where `device` says; another device here is ignored
            with a warning.
        dtype, torch_dtype
            float32 (also for "auto"), bfloat16 or int8, as a name or as torch's: of the encoder's matrices. Both are
            names of one argument: two that differ are an error.
        attention, radius, reg_global
            Pattern of time attention; None: as the weights were trained. A windowed pattern's radius is in tokens, 8 if
            not given.
        threads
            0: as many as the process may use processors.
        isa
            Instruction set: "auto" for the best that the processor has, "scalar", "avx2", "avx512", "amx", "neon" or
            "neon-bf16".
        packed_cache
            Folder for packed weights that later processes map and share.
        return_type
            "torch" or "numpy"; None: torch where it is imported already, else NumPy.
        attn_implementation
            "sdpa" or "flash_attention_2": the fast path; "eager": the plain masked path that it is tested against.
        """
        unknown = set(ignored) - _HARMLESS
        if unknown:
            raise TypeError(f"Unexpected keyword arguments: {sorted(unknown)}.")
        threads = whole_number("threads", threads)
        check_text("device", device, "'cpu' or 'cuda'")
        check_text("isa", isa, "'auto'")
        cache_dir, packed_cache = _hub.absolute(cache_dir), _hub.absolute(packed_cache)
        opened_by = {name: value for name, value in locals().items() if name not in ("cls", "ignored", "unknown")}
        hub = dict(cache_dir=cache_dir, local_files_only=local_files_only, token=token, force_download=force_download)
        folder = _hub.find_model(pretrained_model_name_or_path, revision=revision, **hub)
        base, adapter, base_model, base_revision = _hub.find_adapter(folder, base_model, revision=base_revision, **hub)
        name, revision = _hub.pinned(pretrained_model_name_or_path, folder, revision)
        _check_config(base)
        _warn_of_device(device_map, device)
        _check_return_type(return_type)
        model = Chronos2Model(base, adapter=adapter, dtype=one_dtype(dtype, torch_dtype), cache=packed_cache,
                              attention=resolve_attention(attention, radius, reg_global), threads=threads, isa=isa,
                              attn_implementation=attn_implementation, device=device)
        pipeline = cls(model, return_type)
        pipeline._opened_by = {**opened_by, "pretrained_model_name_or_path": name, "revision": revision,
                               "base_model": base_model, "base_revision": base_revision,
                               "token": token if isinstance(token, bool) else None,
                               "force_download": False, "device_map": None,
                               "dtype": one_dtype(dtype, torch_dtype), "torch_dtype": None}
        return pipeline

    def opened_like(self, path: str | os.PathLike[str], **others: Any) -> Chronos2Pipeline:
        """Another model, opened with the options of this one, but for others that are given."""
        options = {} if self._opened_by is None else self.opening()
        return type(self).from_pretrained(**{"return_type": self.return_type, **options, **others,
                                             "pretrained_model_name_or_path": path, "revision": None,
                                             "base_model": None, "base_revision": None})

    def opening(self) -> dict[str, Any]:
        """Arguments of `from_pretrained` that open the same pipeline in another process."""
        if self._opened_by is None:
            raise TypeError("only a pipeline that from_pretrained opened can be pickled")
        return {**self._opened_by, "return_type": self.return_type}

    def __reduce__(self) -> Any:
        return _reopen, (type(self), self.opening())

    @property
    def model_context_length(self) -> int:
        return self.model.native.context_length

    @property
    def model_output_patch_size(self) -> int:
        return self.model.native.patch

    @property
    def model_prediction_length(self) -> int:
        return self.max_output_patches * self.model_output_patch_size

    @property
    def max_output_patches(self) -> int:
        return self.model.native.max_output_patches

    @property
    def quantiles(self) -> list[float]:
        return list(self.model.native.quantiles)

    # ---- Forecasts --------------------------------------------------------------------------------

    def _series(self, inputs: Any, horizon: int) -> list[_native.Series]:
        series = _inputs.to_series(inputs, horizon)
        _inputs.warn_of_lacks(series, forecasts=horizon > 0)
        return series

    def _forecast(self, inputs: Any, prediction_length: int | None = None, *args: Any,
                  after_batch: Callable[[], Any] | None = None, progress: Progress = None,
                  **kwargs: Any) -> _native.Forecast:
        options, attention = self._options(prediction_length, *args, **kwargs)
        series = self._series(inputs, options.horizon)
        table = _native.SeriesTable(series, options.horizon)
        with self.model.session(attention) as session, following(progress, after_batch) as after:
            forecast = session.predict(table, options, after)
        errors = forecast.errors()
        if options.cross_learning:
            _inputs.warn_of_passes([item for i, item in enumerate(series) if i not in errors], options.batch_size)
        for reason in errors.values():
            warn(f"no forecast: {reason}")
        for said in forecast.losses(series, options.context_length):
            warn(said)
        return forecast

    def _options(
        self, prediction_length: int | None = None, batch_size: int = 256,
        context_length: int | None = None, cross_learning: bool = False, limit_prediction_length: bool = False,
        max_output_patches: int | None = None, unrolled_quantiles: Iterable[float] | None = None,
        predict_batches_jointly: bool | None = None, attention: str | None = None, radius: float | None = None,
        reg_global: bool | None = None, extend_context: bool = False, on_error: str = "raise", **unknown: Any,
    ) -> tuple[_native.PredictOptions, _native.Attention | None]:
        if unknown:
            raise TypeError(f"Unexpected keyword arguments: {list(unknown)}.")
        if predict_batches_jointly is not None:
            warn("The `predict_batches_jointly` argument is deprecated and will be removed in a future version. Please "
                 "use `cross_learning=True` to enable the cross-learning mode.", FutureWarning)
            cross_learning = true_or_false("predict_batches_jointly", predict_batches_jointly)
        cross_learning = true_or_false("cross_learning", cross_learning)
        extend_context = true_or_false("extend_context", extend_context)
        horizon = self._horizon(prediction_length, true_or_false("limit_prediction_length", limit_prediction_length))
        unrolled_quantiles = self._list_unrolled(unrolled_quantiles)
        if on_error not in ("raise", "skip"):
            raise ValueError(f"on_error: expected 'raise' or 'skip', found {on_error!r}")
        patches = at_least_one("max_output_patches",
                                self.max_output_patches if max_output_patches is None else max_output_patches)
        is_rollout = horizon > patches * self.model_output_patch_size
        unrolled = None  # also where there are no levels and one pass has no use for them
        if unrolled_quantiles is not None and (is_rollout or len(unrolled_quantiles)):
            unrolled = _native.rising(unrolled_quantiles)
        options = _native.PredictOptions(
            horizon, self._context(context_length, extend_context), at_least_one("batch_size", batch_size),
            cross_learning, extend_context, patches, unrolled, on_error == "skip")
        return options, self._attention(attention, radius, reg_global)

    def _attention(self, attention: str | None, radius: float | None, reg_global: bool | None) -> Any:
        """The pattern of a call; what it leaves out is as the pipeline was opened. None: it leaves out all."""
        if attention is None and radius is None and reg_global is None:
            return None
        return resolve_attention(attention, radius, reg_global, self.model.attention)

    def _horizon(self, prediction_length: int | None, limited: bool) -> int:
        longest = self.model_prediction_length
        horizon = at_least_one("prediction_length", longest if prediction_length is None else prediction_length)
        if horizon > longest:
            said = (f"We recommend keeping prediction length <= {longest}. The quality of longer predictions may "
                    "degrade since the model is not optimized for it. ")
            if limited:
                raise ValueError(said + "You can turn off this check by setting `limit_prediction_length=False`.")
            warn(said)
        return horizon

    def _context(self, context_length: int | None, extended: bool) -> int:
        longest = self.model_context_length
        length = at_least_one("context_length", longest if context_length is None else context_length)
        if length > longest and not extended:
            warn(f"The specified context_length {length} is greater than the model's default context length "
                 f"{longest}. Resetting context_length to {longest}.")
            length = longest
        return length

    def _list_unrolled(self, levels: Iterable[float] | None) -> tuple[float, ...] | None:
        if levels is None:
            return None
        listed_levels = list_levels(levels, "unrolled_quantiles")
        if not set(listed_levels) <= set(self.quantiles):
            raise ValueError("Unrolled quantiles must be a subset of the model's quantiles. Found: "
                             f"unrolled_quantiles={levels}, model_quantiles={self.quantiles}")
        for level in listed_levels:
            if listed_levels.count(level) > 1:
                raise ValueError(f"unrolled_quantiles: {level} is there twice")
        return listed_levels

    def _give(self, arrays: list[Any], return_type: str | None) -> list[Any]:
        """As the caller wants them: torch tensors where torch is imported already, else NumPy arrays."""
        _check_return_type(return_type)
        kind = return_type or self.return_type or ("torch" if "torch" in sys.modules else "numpy")
        if kind == "numpy":
            return arrays
        import torch

        return [None if array is None else torch.from_numpy(array) for array in arrays]

    def predict(
        self, inputs: Any, prediction_length: int | None = None, batch_size: int = 256,
        context_length: int | None = None, cross_learning: bool = False, limit_prediction_length: bool = False,
        *, return_type: str | None = None, **kwargs: Any,
    ) -> list[Any]:
        """Forecasts at the model's own quantile levels.

        Parameters
        ----------
        inputs
            A 3-d array (series, variates, history); a list of arrays (history,) or (variates, history); a list of dicts
            with `target`, `past_covariates` and `future_covariates`; or a list of chronos-forecasting's prepared
            inputs. NaN is a missing value. Dicts of one list may differ in targets and covariates.
        prediction_length
            Steps to forecast; None: as many as the model forecasts in one pass.
        batch_size
            Rows of one pass, covariates included. It changes results only under cross_learning.
        context_length
            Use at most this many last observations; beyond the model's length only with `extend_context=True`.
        cross_learning
            All series of a pass share information.
        limit_prediction_length
            A longer prediction_length than the model's is an error instead of a warning.
        return_type
            "torch" or "numpy" for this call.
        **kwargs
            max_output_patches, unrolled_quantiles, extend_context; attention, radius, reg_global (of these three, what
            a call leaves out is as the pipeline was opened); on_error ("skip": a
            series that can't be forecast is None, with a warning); progress (True: a bar of tqdm; or a function that is
            called after every batch with the numbers of series that are done and of all) and after_batch (called after
            every batch): what they raise stops the forecast, as Ctrl-C does.

        Returns
        -------
        A list with one float32 array (targets, levels, prediction_length) a series. What float32 can't hold is infinite
        or rounded, with a warning.
        """
        forecast = self._forecast(inputs, prediction_length, batch_size, context_length, cross_learning,
                                  limit_prediction_length, **kwargs)
        return self._give(forecast.quantiles(), return_type)

    def predict_quantiles(
        self, inputs: Any, prediction_length: int | None = None, quantile_levels: Iterable[float] = DEFAULT_LEVELS,
        *, return_type: str | None = None, **predict_kwargs: Any,
    ) -> tuple[list[Any], list[Any]]:
        """Forecasts at any quantile levels, and the median. Parameters as for `predict`.

        Returns
        -------
        quantiles
            A list with one float32 array (targets, prediction_length, levels) a series; levels that the model doesn't
            have are interpolated.
        mean
            A list with one float32 array (targets, prediction_length) a series: the median.
        """
        quantile_levels = list_levels(quantile_levels)
        forecast = self._forecast(inputs, prediction_length, **predict_kwargs)
        self._warn_of_levels(quantile_levels)
        return (self._give(forecast.at_levels(quantile_levels), return_type),
                self._give(forecast.median(), return_type))

    def predict_bytes(self, inputs: Any, prediction_length: int | None = None, **predict_kwargs: Any) -> int:
        """Memory in bytes that `predict` takes at most beside the model, its forecasts included. Nothing is forecast,
        and no value is read: where `on_error` skips series, the others may take more. Parameters as for `predict`."""
        options, attention = self._options(prediction_length, **predict_kwargs)
        table = _native.SeriesTable(_inputs.to_series(inputs, options.horizon), options.horizon)
        with self.model.session(attention) as session:
            return session.predict_bytes(table, options)

    def _warn_of_levels(self, levels: Sequence[float]) -> None:
        trained = self.quantiles
        if len(levels) and (min(levels) < min(trained) or max(levels) > max(trained)):
            import logging  # it would be a tenth of the package's import

            logger = logging.getLogger(__name__)
            logger.warning(f"\tQuantiles to be predicted ({list(levels)}) are not within the range of quantiles that "
                           f"Chronos-2 was trained on ({trained}). Quantile predictions will be set to the "
                           "minimum/maximum levels at which Chronos-2 was trained on. This may significantly affect "
                           "the quality of the predictions.")

    def predict_df(
        self, df: Any, future_df: Any = None, id_column: str = "item_id", timestamp_column: str = "timestamp",
        target: str | list[str] | tuple[str, ...] = "target", prediction_length: int | None = None,
        quantile_levels: Iterable[float] = DEFAULT_LEVELS, batch_size: int = 256, context_length: int | None = None,
        cross_learning: bool = False, validate_inputs: bool = True, freq: Any = None, **predict_kwargs: Any,
    ) -> Any:
        """Forecasts a table in long format: pandas, or anything with `__arrow_c_stream__` (polars, pyarrow, DuckDB).

        Parameters
        ----------
        df
            Columns of ids, time stamps and targets. The others are covariates: known ahead where future_df has them.
        future_df
            Ids, time stamps and known covariates of the prediction_length steps after each item's last.
        validate_inputs
            False: nobody checks that rows are in the order of time, that they follow a given freq, and that time stamps
            of future_df continue them. Targets must be numbers, and ids and time stamps be there, all the same.
        freq
            Frequency of the time stamps as pandas writes it, or an offset that its text tells; None: inferred.
        **predict_kwargs
            As for `predict`.

        Returns
        -------
        A table of the same kind: ids, time stamps, target_name, predictions (the median), a column a quantile level.
        """
        from . import _frames

        quantile_levels = list_levels(quantile_levels)
        validate_inputs = true_or_false("validate_inputs", validate_inputs)
        targets = list(target) if isinstance(target, (list, tuple)) else [target]
        frames = _frames.Frames(df, future_df, id_column, timestamp_column, targets)
        return self._forecast_frames(frames, dict(
            id_column=id_column, timestamp_column=timestamp_column, targets=targets, quantile_levels=quantile_levels,
            freq=_frames.spell_freq(freq), skip_validation=not validate_inputs, gather=validate_inputs),
            prediction_length, batch_size=batch_size, context_length=context_length, cross_learning=cross_learning,
            **predict_kwargs)

    def _forecast_frames(self, frames: Any, table_options: dict[str, Any], prediction_length: int | None,
                         after_batch: Callable[[], Any] | None = None, progress: Progress = None,
                         **kwargs: Any) -> Any:
        from contextlib import closing

        from . import _stream

        predict, attention = self._options(prediction_length, **kwargs)
        together = _stream.ALL_SERIES if predict.cross_learning else 0  # passes are cut as those of predict
        options = _stream.StreamOptions(predict, batch_series=together, **table_options)
        with self.model.session(attention) as session, following(progress, after_batch) as after:
            with closing(_stream.Stream(session, frames.past, frames.future, options, after)) as stream:
                return frames.result(stream, predict.horizon, options.quantile_levels)

    def evaluate(
        self, data: Any, prediction_length: int, *, windows: int = 1, stride: int | None = None,
        seasonality: int | None = None, quantile_levels: Iterable[float] = DEFAULT_LEVELS,
        known_covariates: Iterable[str] = (), id_column: str = "item_id", timestamp_column: str = "timestamp",
        target: str | list[str] | tuple[str, ...] = "target", freq: Any = None, **predict_kwargs: Any,
    ) -> Evaluation:
        """Forecasts the ends of series from what was before them, and scores that beside seasonal naive.

        Parameters
        ----------
        data
            A table as for `predict_df`, which needs pandas and whose ids and time stamps are checked as there, those of
            the windows too; or arrays as for `predict`: a 3-d array, a list of arrays, or a list of dicts with `target`
            and `past_covariates`.
        windows, stride
            How many forecasts of each series: the last one ends where the series does, each other one `stride` steps
            before the next; None: prediction_length. Series that a window leaves no past are left out of it, with a
            warning; a window that all of them lack is an error.
        seasonality
            Steps of a season, for seasonal naive and the metrics with its errors (MASE, RMSSE, SQL). None: by the
            frequency (hours: 24, days: 7, months: 12), 1 for arrays without one.
        known_covariates
            Names of covariates whose values in the window the forecast may see.
        freq
            As for `predict_df`; None: inferred from the series that have a window; several frequencies are refused. Of
            arrays it tells the season alone, and is ignored beside `seasonality`, with a warning.
        **predict_kwargs
            As for `predict`. Under on_error="skip" a window of a series that has no forecast or an infinite value counts
            for neither the model nor seasonal naive; else infinite values of series that have a window are refused.

        Returns
        -------
        overall, series, coverage, seasonality, windows: see `Evaluation`. Metrics are those of the package fev.
        """
        from . import _evaluate

        quantile_levels = list_levels(quantile_levels)
        horizon = self._horizon(at_least_one("prediction_length", prediction_length), False)
        asked = _evaluate.Asked(self, horizon, at_least_one("windows", windows),
                                at_least_one("stride", horizon if stride is None else stride),
                                list(quantile_levels), list_names("known_covariates", known_covariates), predict_kwargs)
        _check_keywords(predict_kwargs)
        season = None if seasonality is None else at_least_one("seasonality", seasonality)
        if _inputs.is_table(data):
            targets = list(target) if isinstance(target, (list, tuple)) else [target]
            return _evaluate.of_table(asked, data, id_column, timestamp_column, targets, freq, season)
        named = [name for name, value, usual in (("id_column", id_column, "item_id"), ("target", target, "target"), (
            "timestamp_column", timestamp_column, "timestamp")) if value != usual]
        if named:
            warn(f"arrays have no columns: {', '.join(named)} {'is' if len(named) == 1 else 'are'} ignored")
        return _evaluate.of_arrays(asked, data, freq, season)

    def predict_fev(
        self, task: fev.Task, batch_size: int = 256, as_univariate: bool = False,
        finetune_kwargs: dict[str, Any] | None = None, **kwargs: Any,
    ) -> tuple[list[Any], float]:
        """Forecasts every window of a fev task.

        Parameters
        ----------
        as_univariate
            Each target alone, without covariates.
        finetune_kwargs
            Not None: fine-tune on the first window with these arguments of `fit` before.
        **kwargs
            As for `predict_df`.

        Returns
        -------
        predictions
            One DatasetDict a window.
        inference_time_s
            Seconds of all forecasts.
        """
        from . import _fev

        return _fev.predict(self, task, batch_size, as_univariate, finetune_kwargs, kwargs)

    def embed(
        self, inputs: Any, batch_size: int = 256, context_length: int | None = None, *, return_type: str | None = None,
    ) -> tuple[list[Any], list[tuple[Any, Any]]]:
        """Embeddings of the encoder.

        Returns
        -------
        embeddings
            One float32 array (targets, patches + 2, d_model) a series: of the context's patches, the REG token and one
            unknown future patch. Covariates are read and have no embeddings of their own.
        loc_scale
            One pair of float32 arrays (targets, 1) a series: mean and standard deviation.
        """
        options = _native.PredictOptions(0, self._context(context_length, False),
                                         at_least_one("batch_size", batch_size))
        table = _native.SeriesTable(self._series(inputs, 0), 0)
        with self.model.session() as session:
            embedding = session.embed(table, options)
        scales = embedding.scales()
        infinite = [index for index, pair in enumerate(scales) if np.isinf(pair).any()]
        if infinite:
            warn(f"means or deviations of {len(infinite)} series, {infinite[0]} the first, are beyond the range "
                 "of float32, so infinite")
        pairs = [tuple(self._give(list(pair), return_type)) for pair in scales]
        return self._give(embedding.values(), return_type), pairs

    def encode(
        self, inputs: Any, prediction_length: int | None = None, *, batch_size: int = 256,
        context_length: int | None = None, cross_learning: bool = False, attention: str | None = None,
        radius: float | None = None, reg_global: bool | None = None, extend_context: bool = False,
    ) -> EncodedContext:
        """Encodes the pasts of series once, to forecast them under many futures of their known covariates.

        The context sees no real future. Weights that were trained to see it get one of which nothing is known
        (windowed_future_null), unless a pattern was asked for here or where the pipeline was opened; that has to be
        "windowed_future_null" or "windowed_future_global". A pattern that the weights were not trained for is warned
        of. Parameters as for `predict`: `future_covariates` hold where a future doesn't name their covariate.
        """
        horizon = self._horizon(prediction_length, False)
        cross_learning = true_or_false("cross_learning", cross_learning)
        extend_context = true_or_false("extend_context", extend_context)
        options = _native.PredictOptions(horizon, self._context(context_length, extend_context),
                                         at_least_one("batch_size", batch_size), cross_learning, extend_context)
        series = self._series(inputs, horizon)
        if cross_learning:
            _inputs.warn_of_passes(series, options.batch_size)
        return EncodedContext(self, series, options, self._attention(attention, radius, reg_global))

    # ---- Training and files -----------------------------------------------------------------------

    def fit(
        self, inputs: Any, prediction_length: int, validation_inputs: Any = None, finetune_mode: str = "full",
        lora_config: Any = None, context_length: int | None = None, learning_rate: float = 1e-6, num_steps: int = 1000,
        batch_size: int = 256, output_dir: str | os.PathLike[str] | None = None, min_past: int | None = None,
        finetuned_ckpt_name: str = "finetuned-ckpt", callbacks: list[Any] | None = None,
        remove_printer_callback: bool = False, disable_data_parallel: bool = True, **extra_trainer_kwargs: Any,
    ) -> Chronos2Pipeline:
        """Fine-tunes with chronos-forecasting, where that is installed, and opens the result here.

        Parameters as for chronos-forecasting's `Chronos2Pipeline.fit`, which also writes the result to
        `finetuned_ckpt_name` in `output_dir`. It trains with full attention. The result is opened with the options of
        this pipeline: with its `attention`, if that was given, else with full attention. Weights that run with another
        pattern by default are warned of, and refused for `"lora"`, whose result would run with it by default. `"lora"`
        of weights that were trained for several patterns is warned of. Training is on a GPU where PyTorch has
        one, on the first that it sees, with a warning if that is not the pipeline's. Else it is on the processor, with a
        warning if the pipeline has a GPU.

        Inputs are checked and read as those of `predict`: masked values and None are missing, infinite values are an
        error. A lazy sequence of prepared inputs is left to chronos-forecasting. A `lora_config` whose adapter can't be
        opened here is an error before anything is trained, and so is `"lora"` where the pipeline has an adapter already.
        """
        options = {name: value for name, value in locals().items()
                   if name not in ("self", "inputs", "prediction_length", "extra_trainer_kwargs")}
        from . import _fit

        return _fit.fit(self, inputs, at_least_one("prediction_length", prediction_length),
                        {**options, **extra_trainer_kwargs})

    def save_pretrained(self, save_directory: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None:
        """Copies the model's files to a folder, as they were opened. A folder that has weights or an adapter of another
        model, which would be opened with them or in place of them, is an error, and so are other arguments and a
        pipeline with an adapter. A save that fails leaves what was there."""
        if args or kwargs:
            raise TypeError(f"save_pretrained: only a folder is expected, found {[*args, *kwargs]}")
        if self.model.adapter is not None:
            raise NotImplementedError("save_pretrained: an adapter is merged in memory; copy its folder "
                                      f"{self.model.adapter} and that of its base model {self.model.folder}")
        _hub.copy_model(self.model.folder, _hub.output_folder("save_directory", save_directory))


# ---- Checks ---------------------------------------------------------------------------------------


def _reopen(cls: type[Chronos2Pipeline], opened_by: dict[str, Any]) -> Chronos2Pipeline:
    return cls.from_pretrained(**opened_by)


def at_least_one(name: str, value: Any) -> int:
    """A number that counts something."""
    number = whole_number(name, value)
    if number < 1:
        raise ValueError(f"{name}: expected at least 1, found {number}")
    return number


def _check_keywords(options: dict[str, Any]) -> None:
    """Those of predict_df and predict that evaluate passes on."""
    from inspect import signature

    known = {*signature(Chronos2Pipeline._options).parameters, "progress", "after_batch", "validate_inputs"}
    unknown = set(options) - (known - {"self", "prediction_length"})
    if unknown:
        raise TypeError(f"Unexpected keyword arguments: {sorted(unknown)}.")


def _check_return_type(return_type: str | None) -> None:
    if return_type not in (None, "torch", "numpy"):
        raise ValueError(f"return_type: expected 'torch', 'numpy' or None, found {return_type!r}")


def _check_config(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise OSError(f"{folder}: no config.json; expected a model's folder")
    config = _hub.read_json(folder / "config.json")
    if "chronos_config" not in config:
        raise ValueError(f"{folder / 'config.json'}: Not a Chronos config file")
    name = config.get("chronos_pipeline_class", "Chronos2Pipeline")
    if name != "Chronos2Pipeline":
        raise ValueError(f"Trying to load unknown pipeline class: {name}")


def _warn_of_device(device_map: Any, device: str) -> None:
    other = device_map.get("", device_map) if isinstance(device_map, dict) else device_map
    other = f"cuda:{other}" if isinstance(other, int) else str(other)
    if other in ("None", "auto", device, device.split(":")[0]) or (device, other) == ("cuda", "cuda:0"):
        return
    if device == "cpu" and other.split(":")[0] == "cpu":
        return
    where = "the processor; `device` chooses another" if device == "cpu" else f"{device}, as `device` says"
    warn(f"device_map={device_map!r} is ignored: the engine runs on {where}")
