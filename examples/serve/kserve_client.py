"""A forecast by KServe's time series protocol, in KServe's own types (pip install kserve).

    chronos2 serve --listen 127.0.0.1:8080 -m models/chronos2-micro
    python examples/serve/kserve_client.py http://127.0.0.1:8080 chronos2-micro
"""

import sys
import urllib.error
import urllib.request

from kserve.protocol.rest.timeseries.types import (
    ErrorResponse,
    ForecastOptions,
    ForecastRequest,
    ForecastResponse,
    Frequency,
    TimeSeriesInput,
    TimeSeriesType,
)


def forecast(url: str, request: ForecastRequest) -> ForecastResponse:
    """Asks the server at `url`. A refusal is a RuntimeError with the server's reason."""
    body = request.model_dump_json().encode()
    post = urllib.request.Request(f"{url}/v1/timeseries/forecast", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(post, timeout=120) as reply:
            return ForecastResponse.model_validate_json(reply.read())
    except urllib.error.HTTPError as refusal:
        reason = ErrorResponse.model_validate_json(refusal.read()).error
        raise RuntimeError(f"{reason.code} {reason.type}: {reason.message}") from None


def main(url: str, model: str) -> None:
    request = ForecastRequest(
        model=model,
        inputs=[
            TimeSeriesInput(type=TimeSeriesType.UNIVARIATE, name="humidity", series=[33, 34, 35, 36, 37],
                            frequency=Frequency.HOUR_SHORT, start_timestamp="2025-06-05T13:10:00Z"),
            TimeSeriesInput(type=TimeSeriesType.MULTIVARIATE, name="two sensors", frequency=Frequency.DAY,
                            series=[[1, 2, 3, 2, 1, 2, 3], [9, 8, 9, 7, 9, 6, 9]]),
        ],
        options=ForecastOptions(horizon=4, quantiles=[0.1, 0.9]),
    )
    print(forecast(url, request).model_dump_json(indent=2))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: kserve_client.py URL MODEL")
    try:
        main(*sys.argv[1:])
    except RuntimeError as refused:
        sys.exit(str(refused))
