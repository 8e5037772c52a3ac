"""The stream of server-sent events that one browser reads."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict

from ortes_db.board.world import BUCKET, BUCKETS, World

BEAT = 15  # seconds after which an idle stream says that it is alive


async def events(world: World, last_id: str) -> AsyncIterator[str]:
    """What this browser lacks, then every change. `last_id`: the id of the last event that it has, or ""."""
    epoch, hub_version, catching_up = world.epoch, 0, True
    version = world.has(last_id)
    first = version == 0
    yield "retry: 1000\n\n"
    while not world.closed:
        changed = world.changed
        if epoch != world.epoch:
            epoch, version, first, catching_up = world.epoch, 0, True, True
        batch = world.after(version, history=catching_up)
        parts = [f'"now":{world.now():.1f}']
        if first:
            parts.append(f'"first":true,"bucket":{BUCKET},"buckets":{BUCKETS}')
        if batch.rows:
            parts.append(f'"rows":[{batch.rows}]')
        if batch.more:
            parts.append('"more":true')
        if hub_version != world.hub_version:
            hub_version = world.hub_version
            parts.append(f'"hub":{json.dumps(asdict(world.hub))}')
        version, first, catching_up = batch.version, False, catching_up and batch.more
        yield f"id: {epoch}-{version}\ndata: {{{','.join(parts)}}}\n\n"
        if not batch.more:
            try:
                await asyncio.wait_for(changed.wait(), BEAT)
            except TimeoutError:
                continue
