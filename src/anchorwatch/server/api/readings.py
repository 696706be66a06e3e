"""What a model's windows hold: series, heat map, distributions, results, confusion."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response  # noqa: TC002 - FastAPI reads annotations as it runs

from anchorwatch.server.api.door import At, Chosen, GrainName, Reader, answer, told
from anchorwatch.server.readings_schemas import (
    Alarms,
    Calibration,
    Confusion,
    Distribution,
    Heatmap,
    MeasureBody,
    Series,
    WindowResults,
)

router = APIRouter(tags=["readings"], dependencies=[Reader])

MeasureName = Annotated[str, Query(description="A registered measure, see `/measures`.")]


@router.get("/measures", **told(list[MeasureBody], "Every registered measure."))
def measures(at: At) -> Response:
    """Every registered measure, with its unit, range, best direction and source."""
    return answer(at.watch.queries.measures())


@router.get("/models/{model}/series", **told(Series, "The series.", 404, 422))
def series(
    at: At,
    model: str,
    measure: MeasureName,
    span: Chosen,
    subject: Annotated[str, Query(description="The column, for measures of columns.")] = "",
    grain: GrainName = "",
) -> Response:
    """One measure of one subject over time; a window without a value has a reason."""
    queries = at.watch.queries
    return answer(
        queries.series(model, measure, subject=subject, grain=grain or None, **span.times, **span.part)
    )


@router.get("/models/{model}/heatmap", **told(Heatmap, "The heat map.", 404, 422))
def heatmap(
    at: At,
    model: str,
    span: Chosen,
    measure: MeasureName = "drift",
    buckets: Annotated[int, Query(ge=1, le=1000, description="At most so many spans of time.")] = 120,
) -> Response:
    """A measure of every column over time, worst column first."""
    return answer(at.watch.queries.heatmap(model, measure, buckets=buckets, **span.times, **span.part))


@router.get("/models/{model}/distribution", **told(Distribution, "The distributions.", 404, 422))
def distribution(
    at: At,
    model: str,
    column: Annotated[str, Query(description="An input, `_prediction`, `_score` or `_outcome`.")],
    span: Chosen,
) -> Response:
    """A column in a span of time beside its reference."""
    return answer(at.watch.queries.distribution(model, column, **span.times, **span.part))


@router.get("/models/{model}/results", **told(WindowResults, "The results.", 404, 422))
def results(at: At, model: str, span: Chosen, grain: GrainName = "") -> Response:
    """Every measure of the window that holds `start`."""
    return answer(at.watch.queries.results(model, span.start, grain or None, **span.part))


@router.get("/models/{model}/span", **told(WindowResults, "The results.", 404, 422))
def span(
    at: At,
    model: str,
    span: Chosen,
    mature: Annotated[bool, Query(description="Only windows whose outcomes are due.")] = False,
) -> Response:
    """Every measure of all windows of a span together."""
    return answer(at.watch.queries.span(model, mature=mature, **span.times, **span.part))


@router.get("/models/{model}/confusion", **told(Confusion, "The matrix.", 404, 422))
def confusion(at: At, model: str, span: Chosen) -> Response:
    """Outcomes (rows) against predicted labels (columns) in a span of time."""
    return answer(at.watch.queries.confusion(model, **span.times, **span.part))


@router.get("/models/{model}/calibration", **told(Calibration, "The curves.", 404, 422))
def calibration(
    at: At,
    model: str,
    span: Chosen,
    label: Annotated[
        str, Query(description="The class; by default the positive one, or the first of many.")
    ] = "",
    mass: Annotated[bool, Query(description="Bins of about equally many rows, not equally wide.")] = False,
) -> Response:
    """How often a class came where it was given such and such a probability, beside the reference."""
    return answer(at.watch.queries.calibration(model, label=label, mass=mass, **span.times, **span.part))


@router.get("/models/{model}/alarms", **told(Alarms, "The alarms.", 404, 422))
def alarms(at: At, model: str, span: Chosen) -> Response:
    """What the model's sequential detectors raised on predictions of a span of time."""
    return answer(at.watch.queries.alarms(model, **span.times, **span.part))
