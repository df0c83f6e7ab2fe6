"""Whether the process lives, and whether it can do its work."""

from litestar import get

from rowport.api.desk import GivenDesk
from rowport.api.guard import OPEN


@get("/healthz", sync_to_thread=False, opt=OPEN)
def healthz() -> dict[str, object]:
    """Say that the process answers; asks nobody else."""
    return {"status": "ok"}


@get("/readyz", sync_to_thread=True, opt=OPEN)
def readyz(desk: GivenDesk) -> dict[str, object]:
    """Say that the database answers too; 503 when it does not."""
    return {"status": "ready", "workers": desk.count_workers()}
