"""The open-model driver: sends each arrival when it is due, whatever became of the ones before."""

import time
from collections import Counter
from collections.abc import Callable

import gevent
from gevent.pool import Group
from locust.contrib.fasthttp import FastHttpSession

from harness.collector import starting
from load.generate.locust_process.client import Client
from load.generate.locust_process.journeys import Journeys
from load.generate.locust_process.listening import BrokenStreamError, Stream
from load.generate.locust_process.reporting import Lane
from load.generate.locust_process.world import Token, World
from load.generate.samples import Result
from load.judge.catalogue import NEVER_SENT
from load.judge.to_history import SIMULTANEOUS
from load.plan.settings import RunSettings

_SETTING_UP_AT_ONCE = 8
_BETWEEN_BURSTS = 0.3
_REFRESH = 5.0
STREAM = "streamEventUpdates"


class Driver:
    """One lane of an open-model run. `stopping` says when the run is to end early."""

    def __init__(
        self,
        settings: RunSettings,
        lane: Lane,
        world: World,
        client: Client,
        http: FastHttpSession,
        *,
        only: Callable[[FastHttpSession, float], None] | None = None,
    ) -> None:
        self._settings = settings
        self._lane = lane
        self._world = world
        self._client = client
        self._http = http
        self._journeys = Journeys(world, client, settings.think)
        self._only = only
        self._most = max(settings.max_in_flight // settings.lanes, 1)
        self._under_way: dict[int, tuple[str, float]] = {}
        self._group = Group()

    def run(self) -> None:
        """Set up, send everything, wait for the last answers, report."""
        with starting():
            is_set_up = self._only is not None or self._set_up()
        if not is_set_up:
            reasons = self._client.reasons.get("set-up/generateSession", Counter[str]())
            why = max(reasons, key=lambda each: reasons[each], default="no answer")
            self._lane.give_up(f"no session could be minted before the run: {why}")
            return
        self._client.began = time.perf_counter()
        self._lane.client = self._client
        greenlets = [gevent.spawn(each) for each in (self._lane.beat, self._lane.report_for_ever, self._refresh)]
        listeners = [gevent.spawn(self._listen) for _ in range(self._mine(self._settings.listeners))]
        self._lane.account.scheduled += len(listeners)
        until = self._send_all()
        self._drain()
        if until >= self._settings.schedule.seconds:
            self._burst()
            until = max(until, self._client.now()) if self._settings.bursts.count else until
        gevent.killall(listeners)
        gevent.killall(greenlets)
        self._lane.finish(self._client, until)

    def _mine(self, count: int) -> int:
        """This lane's share of a number."""
        return len(range(self._lane.account.lane, count, self._settings.lanes))

    def _set_up(self) -> bool:
        """A session for each user. False where nobody gets one."""
        pool: list[gevent.Greenlet[..., bool]] = []
        waiting = list(self._world.users)
        while waiting:
            some, waiting = waiting[:_SETTING_UP_AT_ONCE], waiting[_SETTING_UP_AT_ONCE:]
            pool = [gevent.spawn(self._journeys.mint, self._http, each) for each in some]
            gevent.joinall(pool)
            if not self._world.tokens:
                return False
        return bool(self._world.tokens)

    def _refresh(self) -> None:
        """New sessions for those that will soon be too old."""
        while True:
            gevent.sleep(_REFRESH)
            if self._only is None:
                for user in self._world.aged()[:20]:
                    self._journeys.mint(self._http, user)

    def _send_all(self) -> float:
        """Until when arrivals were due, in seconds after the start."""
        schedule = self._settings.schedule
        for arrival in schedule.arrivals(self._lane.account.lane, self._settings.lanes):
            while (pause := arrival.at - self._client.now()) > 0:
                # In pieces, so that a request to stop is heard.
                gevent.sleep(min(pause, 0.5))
                if pause > 0.5 and self._lane.asked_to_stop:
                    return min(self._client.now(), arrival.at)
            if arrival.number % 16 == 0 and self._lane.asked_to_stop:
                return arrival.at
            self._lane.account.scheduled += 1
            self._start(arrival.number, arrival.journey, arrival.at)
        return schedule.seconds

    def _start(self, number: int, journey: str, due: float) -> None:
        if len(self._under_way) >= self._most:
            self._client.count(journey, due, Result.DROPPED, f"{NEVER_SENT}: {self._most} were under way already")
            return
        self._under_way[number] = (journey, due)
        self._lane.in_flight = len(self._under_way)
        self._group.add(gevent.spawn(self._go, number, journey, due))

    def _go(self, number: int, journey: str, due: float) -> None:
        try:
            (self._only or self._journeys.by_name[journey])(self._http, due)
        except gevent.GreenletExit:
            return  # who ends it counts it
        finally:
            self._lane.connections = _connections(self._http)
        self._under_way.pop(number, None)
        self._lane.in_flight = len(self._under_way)

    def _drain(self) -> None:
        """Wait for the last answers; what has none by then is counted as unanswered."""
        self._group.join(timeout=self._settings.drain)
        self._group.kill()
        left = dict(self._under_way)
        self._under_way.clear()
        for journey, due in left.values():
            self._client.count(journey, due, Result.UNANSWERED, f"no answer within {self._settings.drain:g} s")

    def _burst(self) -> None:
        """Validations at one moment, each by another user, several times."""
        bursts = self._settings.bursts
        size = self._mine(bursts.size)
        for burst in range(bursts.count if size else 0):
            gevent.sleep(_BETWEEN_BURSTS)
            tokens = self._world.some_tokens(size)
            due = self._client.now()
            self._lane.account.scheduled += len(tokens)
            for index, token in enumerate(tokens):
                number = -1 - burst * size - index
                self._under_way[number] = (SIMULTANEOUS, due)
                self._group.add(gevent.spawn(self._ask, number, due, token))
            self._drain()

    def _ask(self, number: int, due: float, token: Token) -> None:
        try:
            self._journeys.validate_one(self._http, due, token.value, token.user, SIMULTANEOUS)
        except gevent.GreenletExit:
            return
        self._under_way.pop(number, None)

    def _listen(self) -> None:
        """A browser that holds the stream open for the whole run; one sample, when it ends."""
        due = self._client.now()
        try:
            Stream(self._world.deployment).hold()
        except BrokenStreamError as broken:
            self._client.count(STREAM, due, broken.result, str(broken))
        except gevent.GreenletExit:
            self._client.count(STREAM, due, Result.OK)


def _connections(http: FastHttpSession) -> int:
    """Sockets that are open; the library counts them under no public name."""
    pools = [each._connection_pool for each in http.client.clientpool.clients.values()]
    return sum(each._socket_queue.qsize() + each.size - each._semaphore.counter for each in pools)
