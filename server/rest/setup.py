"""Puts REST into the application: its middlewares, its routes and its pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry

from server.rest.auth import agent_routes, key_routes
from server.rest.bulk import bulk_routes
from server.rest.contacts import contact_routes
from server.rest.devices import device_routes
from server.rest.export import export_routes
from server.rest.headers import Network, add_headers, answer_preflights, believe_proxies
from server.rest.history import audit_routes, history_routes
from server.rest.merges import merge_routes
from server.rest.middleware import (
    RateLimit,
    observe,
    refuse_unreadable_paths,
    render_errors,
    sign_in,
)
from server.rest.pages import page_routes
from server.rest.rows import list_routes, row_routes
from server.rest.statistics import statistics_routes
from server.rest.sync import sync_routes
from server.rest.system import Readiness, document_routes, system_routes
from server.rest.tenant import tenant_routes
from server.services.agents import Agents
from server.services.auth import Auth
from server.services.bulk import BulkJobs
from server.services.bulk_edits import BulkEdits
from server.services.contacts import Contacts
from server.services.devices import Devices
from server.services.entities import BY_PLURAL, CONTACTS, ENTITIES
from server.services.exports import Exports
from server.services.history import History
from server.services.imports import Imports
from server.services.keys import Keys
from server.services.label_merges import LabelMerges
from server.services.rows import Rows
from server.services.statistics import Statistics
from server.services.sync import Pages
from server.services.tenants import Tenants

VERSION = "1"


@dataclass(frozen=True, slots=True)
class RestServices:
    """What the routes stand on."""

    auth: Auth
    tenants: Tenants
    agents: Agents
    keys: Keys
    rows: Rows
    contacts: Contacts
    devices: Devices
    exports: Exports
    history: History
    statistics: Statistics
    pages: Pages
    rate_limit: RateLimit
    jobs: BulkJobs
    imports: Imports
    edits: BulkEdits
    merges: LabelMerges


def register_rest(
    app: web.Application,
    services: RestServices,
    *,
    readiness: Readiness,
    registry: CollectorRegistry,
    cors_origins: Sequence[str],
    trusted_proxies: Sequence[Network],
) -> None:
    """Adds REST to the application, before it starts.

    `readiness` and `registry` are for /ready and /metrics. Requests pass the middlewares in the
    order in which they stand.
    """
    app.middlewares.extend(
        [
            believe_proxies(trusted_proxies),
            observe(registry),
            render_errors(),
            refuse_unreadable_paths(),
            answer_preflights(cors_origins),
            sign_in(services.auth, services.keys, services.rate_limit),
        ]
    )
    app.on_response_prepare.append(add_headers(cors_origins))
    routes = [
        *agent_routes(services.agents, services.rate_limit, services.pages),
        *key_routes(services.keys),
        *tenant_routes(services.tenants),
        *contact_routes(services.contacts),
        *export_routes(services.exports),
        *(
            route
            for entity in ENTITIES.values()
            for route in (
                *(() if entity is CONTACTS else list_routes(entity, services.rows)),
                *row_routes(entity, services.rows),
                *history_routes(entity, services.history),
            )
        ),
        *(
            route
            for plural in CONTACTS.references.values()
            for route in merge_routes(BY_PLURAL[plural], services.merges)
        ),
        *audit_routes(services.history),
        *statistics_routes(services.statistics),
        *sync_routes(services.pages),
        *bulk_routes(services.jobs, services.imports, services.edits),
        *device_routes(services.devices),
        *system_routes(readiness, registry),
    ]
    app.add_routes([*routes, *document_routes(routes, VERSION), *page_routes()])
