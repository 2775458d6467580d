"""The composition root: builds everything and registers every event and route by name."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from loguru import logger
from prometheus_client import CollectorRegistry

from server.db.migrate import pending
from server.db.pool import Database
from server.ephemeral.change_channel import ChangeChannel
from server.ephemeral.connection import RedisConnection
from server.ephemeral.presence import Presence
from server.ephemeral.rate_limit import RateLimit
from server.errors import Unavailable
from server.events.connection import PAYLOAD_BYTES, PING_SECONDS, SignIn
from server.events.dispatch import Dispatcher
from server.events.gateway import Gateway
from server.events.job_progress import JobProgress
from server.events.journal import Journal
from server.events.sessions import Session, Sessions
from server.events.sync import sync_events
from server.events.writes import entity_events, push_events
from server.feed.broadcaster import Listener
from server.feed.feeds import Feeds
from server.gauges import add_gauges
from server.jobs.bulk_process import BulkProcesses
from server.jobs.worker import JOBS, Worker
from server.rest.setup import RestServices, register_rest
from server.services.actors import Actor
from server.services.agents import Agents
from server.services.auth import Auth
from server.services.bulk import BulkJobs
from server.services.bulk_edits import BulkEdits
from server.services.commits import Commits
from server.services.contacts import Contacts
from server.services.device_reports import DeviceReports
from server.services.devices import Devices
from server.services.entities import ENTITIES
from server.services.exports import Exports
from server.services.history import History
from server.services.imports import Imports
from server.services.keys import Keys
from server.services.label_merges import LabelMerges
from server.services.rows import Rows
from server.services.statistics import Statistics
from server.services.sync import Pages
from server.services.sync_log import SyncLog
from server.services.tenants import Tenants
from server.settings import Settings
from server.tasks import end
from server.transport.connection import Connection
from server.transport.server import SocketServer

PING_TIMEOUT_SECONDS = 20
DRAIN_MS = (1_000, 5_000)
ANSWER_SECONDS = 0.7
"""How long a stop waits for what is under way; what is not answered then, is sent again."""
CLOSING_SECONDS = 0.5
"""How long it then waits for clients to take leave; who has not by then is cut off."""
DATABASE_SECONDS = 10.0
"""How long the database may take over an event or a request, before it is `unavailable`."""


@dataclass(slots=True)
class Parts:
    """What the application is made of."""

    settings: Settings
    database: Database
    tenants: Tenants
    auth: Auth
    pages: Pages
    commits: Commits
    feeds: Feeds
    sessions: Sessions
    dispatcher: Dispatcher
    channel: ChangeChannel
    presence: Presence
    reports: DeviceReports
    sync_log: SyncLog
    worker: Worker
    processes: BulkProcesses
    exports: Exports
    jobs: BulkJobs
    progress: JobProgress
    redis: RedisConnection
    sockets: SocketServer


PARTS = web.AppKey("parts", Parts)


async def create_app(
    settings: Settings, database_url: str, redis_url: str | None
) -> web.Application:
    """Builds the application and starts what runs behind it. Raises `Unavailable`."""
    database = await Database.connect(database_url, patience=DATABASE_SECONDS)
    tenants = Tenants(database, settings.default_region)
    auth = Auth(database, settings.api_key_salt)
    pages = Pages(database)
    sessions = Sessions()
    redis = RedisConnection(redis_url)
    presence = Presence(redis, ping_seconds=PING_SECONDS)
    rate_limit = RateLimit(redis)
    sync_log = SyncLog(database, presence)
    reports = DeviceReports(database)
    journal = Journal(reports, sync_log, presence)
    processes = BulkProcesses(database_url, settings.default_region)
    worker = Worker(database_url, {**JOBS, "bulk_job": processes.run_job})

    async def on_access(tenant: str) -> None:
        tenants.forget(tenant)
        await sign_in.check_access(tenant)

    # Alone on this machine, with a Redis of its own, a process has nobody to share with.
    shared_url = redis_url if settings.redis_url or settings.workers > 1 else None
    channel = ChangeChannel(
        redis, shared_url, lambda message: feeds.hear(message), connected=presence.announce
    )
    jobs = BulkJobs(database)
    progress = JobProgress(sessions, jobs)
    feeds = Feeds(
        database,
        pages,
        database_url,
        on_access=on_access,
        on_job=progress.notice,
        on_deaf=progress.missed,
        share=channel.publish,
    )
    commits = Commits(database, tenants, feeds.publish)

    async def join(session: Session, actor: Actor) -> Callable[[], None]:
        feed = await feeds.of(actor.tenant)
        connection = session.channel
        assert isinstance(connection, Connection)
        return lambda: feed.join(Listener(connection, session.batch))

    def left(session: Session) -> None:
        journal.left(session)
        for feed in feeds.feeds():
            feed.leave(session.sid)

    async def reached(tenant: str, version: int, seconds: float) -> None:
        await (await feeds.of(tenant)).reached(version, seconds)

    sign_in = SignIn(
        sessions,
        auth,
        pages,
        join=join,
        note_failure=rate_limit.note_failed_sign_in,
        journal=journal,
    )
    dispatcher = Dispatcher(
        [
            *sign_in.events(),
            *sync_events(pages, journal, reached),
            *push_events(commits, tenants, journal),
            *(
                each
                for entity in ENTITIES.values()
                for each in entity_events(entity, commits, tenants)
            ),
        ],
        journal.refused,
    )
    sockets = SocketServer(
        Gateway(sessions, sign_in, dispatcher, left),
        cors_allowed_origins=list(settings.cors_origins) or None,
        ping_interval=PING_SECONDS,
        ping_timeout=PING_TIMEOUT_SECONDS,
        max_http_buffer_size=PAYLOAD_BYTES,
        # One client's polls would reach processes that do not know it.
        transports=["websocket"] if settings.workers > 1 else None,
    )
    app = web.Application()
    sockets.attach(app)
    app[PARTS] = Parts(
        settings=settings,
        database=database,
        tenants=tenants,
        auth=auth,
        pages=pages,
        commits=commits,
        feeds=feeds,
        sessions=sessions,
        dispatcher=dispatcher,
        channel=channel,
        presence=presence,
        reports=reports,
        sync_log=sync_log,
        worker=worker,
        processes=processes,
        exports=Exports(database),
        jobs=jobs,
        progress=progress,
        redis=redis,
        sockets=sockets,
    )
    registry = CollectorRegistry()
    add_gauges(registry, sockets, feeds)
    register_rest(
        app,
        rest_services(app[PARTS], rate_limit),
        readiness=lambda: readiness(app[PARTS]),
        registry=registry,
        cors_origins=settings.cors_origins,
        trusted_proxies=settings.trusted_proxies,
    )
    for part in (presence, channel, reports, sync_log):
        part.start()
    await feeds.start()
    await worker.start()
    app.on_shutdown.append(drain)
    app.on_cleanup.append(close)
    return app


def rest_services(parts: Parts, rate_limit: RateLimit) -> RestServices:
    """What REST stands on: the services that the events use, and those that only REST has."""
    rows = Rows(parts.database, parts.tenants, parts.commits)
    edits = BulkEdits(parts.database, parts.tenants, parts.processes.preview)
    return RestServices(
        auth=parts.auth,
        tenants=parts.tenants,
        agents=Agents(parts.database, parts.auth, parts.settings.registration),
        keys=Keys(parts.database, parts.auth),
        rows=rows,
        contacts=Contacts(parts.database),
        devices=Devices(parts.database, parts.presence, parts.auth),
        exports=parts.exports,
        history=History(parts.database, rows),
        statistics=Statistics(parts.database),
        pages=parts.pages,
        rate_limit=rate_limit,
        jobs=parts.jobs,
        imports=Imports(
            parts.database,
            parts.settings.import_max_bytes,
            parts.processes.preview,
            parts.processes.check,
        ),
        edits=edits,
        merges=LabelMerges(parts.database, edits),
    )


async def readiness(parts: Parts) -> dict[str, bool]:
    """What must be well before a load balancer sends anybody here."""
    try:
        async with parts.database.any_tenant() as connection:
            migrated = not await pending(connection)
    except Unavailable:
        return {"database": False, "migrations": False, "accepting": not parts.dispatcher.draining}
    return {"database": True, "migrations": migrated, "accepting": not parts.dispatcher.draining}


async def drain(app: web.Application) -> None:
    """Tells clients to come back later, answers what is in flight, closes their sockets."""
    parts = app[PARTS]
    parts.dispatcher.draining = True
    parts.exports.stop()
    for connection in parts.sockets.connections:
        connection.send("draining", {"retry_after_ms": random.randint(*DRAIN_MS)})
    # Events wait for more than commits: a long push is read first. REST's writes are commits only.
    answering = [parts.sockets.answered(), parts.commits.idle()]
    waits = [asyncio.create_task(each) for each in answering]
    await asyncio.wait(waits, timeout=ANSWER_SECONDS)
    await end(*waits)
    closing = [connection.close(code=1001) for connection in parts.sockets.connections]
    if closing:
        leaving = [asyncio.create_task(each) for each in closing]
        _, late = await asyncio.wait(leaving, timeout=CLOSING_SECONDS)
        await end(*late)
        for connection in parts.sockets.connections:
            connection.abort()


async def close(app: web.Application) -> None:
    """Ends what runs behind the application."""
    parts = app[PARTS]
    await asyncio.gather(
        parts.worker.stop(),
        parts.feeds.stop(),
        parts.progress.stop(),
        parts.channel.stop(),
        parts.reports.stop(),
        parts.sync_log.stop(),
        parts.presence.stop(),
    )
    await parts.redis.close()
    await parts.database.close()
    logger.info("Stopped")
