"""The ways in which a storm breaks things, and how often each comes."""

from collections.abc import Callable
from typing import NamedTuple

from tests.storm.storm import Storm
from tests.storm.weathers import arrays, disks, places, processes


class Weather(NamedTuple):
    """`share` is how often it comes, beside the others'."""

    name: str
    act: Callable[[Storm], None]
    share: int = 1


WEATHERS = (
    Weather("killed", processes.killed, 40),
    Weather("paused for longer than any deadline", processes.paused),
    Weather("paused and killed", processes.paused_and_killed, 3),
    Weather("a worker is killed", processes.worker_killed, 5),
    Weather("mkfs is killed", processes.mkfs_killed, 3),
    Weather("a worker hangs past its deadline", processes.worker_hangs),
    Weather("the fork server is killed", processes.fork_server_killed, 2),
    Weather("the fork server hangs for a while", processes.fork_server_paused),
    Weather("killed while the fork server hangs", processes.orphaned, 2),
    Weather("the pool's disk is full", disks.pool_full, 2),
    Weather("the pool's disk is full, and killed", disks.killed_on_a_full_pool, 2),
    Weather("the state's disk is full", disks.state_full),
    Weather("the state's disk is full to the last block", disks.state_full_to_the_last),
    Weather("the state's disk is full, and killed", disks.killed_on_a_full_state),
    Weather("the state directory is an empty one", places.state_is_empty),
    Weather("the state directory is a copy", places.state_is_a_copy),
    Weather("the database is a copy", places.database_is_a_copy),
    Weather("the lock file is another", places.lock_is_another),
    Weather("a second daemon is started", places.second_daemon),
    Weather("the array is away", arrays.away, 3),
    Weather("the array is away, and killed", arrays.killed_while_away, 3),
    Weather("the array's answers are lost", arrays.answers_are_lost, 3),
    Weather("the array is late", arrays.late, 3),
    Weather("the array ends all sessions", arrays.sessions_end),
)
