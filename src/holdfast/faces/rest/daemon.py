"""Routes of the daemon itself: status, findings, the database, health."""

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body, QueryParameter

from holdfast.faces import views
from holdfast.faces.rest.answers import acting, reading
from holdfast.faces.rest.fields import AbsolutePath, Here
from holdfast.model.views import FindingPage, HealthView, ResumeView, StatusView


class BackupBody(msgspec.Struct, forbid_unknown_fields=True):
    """Where to; a new file, by an absolute path on the daemon's machine."""

    path: AbsolutePath


_WHERE = Example(summary="A new file", value={"path": "/var/backups/holdfast-2026-01-31.db"})


@get("/findings", tags=["findings"], **reading())
async def finding_list(calls: Here) -> FindingPage:
    """Audit now: compare records and world both ways."""
    return FindingPage(items=await calls.run(calls.daemon.auditor.run))


@post("/findings/repair", tags=["findings"], **acting(role="operator"))
async def finding_repair(calls: Here) -> FindingPage:
    """Audit now, and repair what is provably safe."""
    return FindingPage(items=await calls.run(lambda: calls.daemon.auditor.run(repair=True)))


@get("/status", tags=["daemon"], **reading())
async def status(calls: Here) -> StatusView:
    """Show the daemon: what is unfinished or parked, and what its last own audit found."""
    return await calls.run(lambda: views.status(calls.daemon))


@get("/resume", tags=["daemon"], **reading())
async def resume_preview(calls: Here) -> ResumeView:
    """Look at what would go on if this database were said to be current, and at how its pools differ from it."""
    return await calls.run(lambda: views.resume(calls.daemon))


@post("/resume", tags=["daemon"], **acting())
async def resume(calls: Here) -> StatusView:
    """Say that this database is the current one, after a restore."""
    await calls.run(calls.daemon.counters.resume)
    return await calls.run(lambda: views.status(calls.daemon))


@post("/backup", tags=["daemon"], **acting(413))
async def backup(calls: Here, data: Annotated[BackupBody, Body(examples=[_WHERE])]) -> StatusView:
    """Copy the database, while it is in use, to a new file of the daemon's machine."""
    await calls.run(lambda: calls.daemon.backup(data.path))
    return await calls.run(lambda: views.status(calls.daemon))


_HEALTH = reading()
_HEALTH["responses"] = {
    400: _HEALTH["responses"][400],
    503: ResponseSpec(HealthView, generate_examples=False, description="Alive, and not ready."),
}


@get("/healthz", tags=["daemon"], **{**_HEALTH, "opt": {"open": True}})
async def healthz(
    calls: Here,
    ready: Annotated[bool, QueryParameter(description="Answer 503 unless it is ready to take changes.")] = False,
) -> Response[HealthView]:
    """Tell that the daemon is alive, and whether it is ready."""
    health = views.health(calls.daemon)
    return Response(health, status_code=503 if ready and not health.ready else 200)


HANDLERS: list[Any] = [finding_list, finding_repair, status, resume_preview, resume, backup]
