"""The server's process: `python -m jobs.reviewing.serving OPTIONS`, with the options as JSON. It needs no Spark.

`catalog-cleaner review serve` checks settings and address, and becomes this process.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path

import uvicorn

from conf.review_settings import ProxySettings
from jobs.reviewing.application import create_application
from jobs.reviewing.database import Store
from jobs.reviewing.opinions import Shares
from jobs.reviewing.proxy import read_proxy
from jobs.reviewing.renewal import Renewal
from jobs.reviewing.starting import Options
from jobs.reviewing.users import User
from schemas.errors import CleanerError


def serve(options: Options) -> int:
    """Serve until the process is stopped; returns the exit code."""
    store = Store(Path(options.folder))
    shares = Shares(second=options.second_share, known=options.known_share)
    proxy = read_proxy(ProxySettings(**options.proxy))
    local = User(options.reviewer, options.role)
    application = create_application(store, local, options.port, lambda: dt.datetime.now(dt.UTC), shares, proxy)
    config = uvicorn.Config(
        application,
        host=options.host,
        port=options.port,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=3,
    )
    warehouse = Path(options.warehouse) if options.warehouse else None
    with Renewal(store, warehouse, options.renew_command, options.renew_minutes * 60):
        own = f"http://{options.host}:{options.port}"
        at = own if proxy is None else f"{proxy.address}, which a proxy must pass on to {own}"
        sys.stderr.write(f"The review page is at {at}/  (stop it with Ctrl+C)\n")
        uvicorn.Server(config).run()
    return 0


def main() -> int:
    """Read the options and serve; returns the exit code."""
    values = json.loads(sys.argv[1])
    try:
        return serve(Options(**{**values, "renew_command": tuple(values["renew_command"])}))
    except CleanerError as error:
        sys.stderr.write(f"failed: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
