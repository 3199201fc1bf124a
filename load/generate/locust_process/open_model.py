"""The driver of the open model: sends each arrival when it is due, answered or not the ones before."""

import time
from collections import Counter
from collections.abc import Callable

import gevent
from gevent.pool import Group
from locust.contrib.fasthttp import FastHttpSession

from harness.collector import starting
from load.generate.locust_process.client import Client
from load.generate.locust_process.journeys import Journeys
from load.generate.locust_process.lane_share import LaneShare, LiveToken
from load.generate.locust_process.listening import BrokenStreamError, Stream
from load.generate.locust_process.reporting import Lane
from load.generate.samples import NEVER_SENT, Result
from load.plan.measures import SIMULTANEOUS, STREAM
from load.plan.settings import RunSettings

_SETTING_UP_AT_ONCE = 8
_BETWEEN_BURSTS = 0.3
_REFRESH = 5.0


class Driver:
    """One lane of an open-model run; `only` replaces all journeys, for a calibration."""

    def __init__(
        self,
        settings: RunSettings,
        lane: Lane,
        share: LaneShare,
        client: Client,
        http: FastHttpSession,
        *,
        only: Callable[[FastHttpSession, float], None] | None = None,
    ) -> None:
        self._settings = settings
        self._lane = lane
        self._share = share
        self._client = client
        self._http = http
        self._journeys = Journeys(share, client, settings.think)
        self._only = only
        self._most = max(settings.max_in_flight // settings.lanes, 1)
        self._under_way: dict[int, tuple[str, float]] = {}
        self._group = Group()

    def run(self) -> None:
        """Set up, send all arrivals, wait for the last answers, report."""
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
        self._lane.tally.scheduled += len(listeners)
        until = self._send_all()
        self._drain()
        ended = until
        if self._settings.bursts.count:
            self._burst()
            ended = self._client.now()
        gevent.killall(listeners)
        gevent.killall(greenlets)
        self._lane.finish(self._client, until, ended)

    def _mine(self, count: int) -> int:
        """This lane's share of a count."""
        return len(range(self._lane.tally.lane, count, self._settings.lanes))

    def _set_up(self) -> bool:
        """Mint a session for each user; False if none can be minted."""
        pool: list[gevent.Greenlet[..., bool]] = []
        waiting = list(self._share.users)
        while waiting:
            some, waiting = waiting[:_SETTING_UP_AT_ONCE], waiting[_SETTING_UP_AT_ONCE:]
            pool = [gevent.spawn(self._journeys.mint, self._http, each) for each in some]
            gevent.joinall(pool)
            if not self._share.tokens:
                return False
        return bool(self._share.tokens)

    def _refresh(self) -> None:
        """Replace sessions that will expire soon."""
        while True:
            gevent.sleep(_REFRESH)
            if self._only is None:
                for user in self._share.aged()[:20]:
                    self._journeys.mint(self._http, user)

    def _send_all(self) -> float:
        """Send the arrivals of the schedule; returns until when they were due, in seconds after the start."""
        schedule = self._settings.schedule
        for arrival in schedule.arrivals(self._lane.tally.lane, self._settings.lanes):
            while (pause := arrival.at - self._client.now()) > 0:
                # In pieces, so that a request to stop takes effect soon.
                gevent.sleep(min(pause, 0.5))
                if pause > 0.5 and self._lane.asked_to_stop:
                    return min(self._client.now(), arrival.at)
            if arrival.number % 16 == 0 and self._lane.asked_to_stop:
                return arrival.at
            self._lane.tally.scheduled += 1
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
            return  # _drain counts it
        finally:
            self._lane.connections = _connections(self._http)
        self._under_way.pop(number, None)
        self._lane.in_flight = len(self._under_way)

    def _drain(self) -> None:
        """Wait for the last answers; arrivals without one by then are unanswered."""
        self._group.join(timeout=self._settings.drain)
        self._group.kill()
        left = dict(self._under_way)
        self._under_way.clear()
        for journey, due in left.values():
            self._client.count(journey, due, Result.UNANSWERED, f"no answer within {self._settings.drain:g} s")

    def _burst(self) -> None:
        """Send the bursts: validations at one moment, each of another user's session."""
        bursts = self._settings.bursts
        size = self._mine(bursts.size)
        for burst in range(bursts.count if size else 0):
            gevent.sleep(_BETWEEN_BURSTS)
            tokens = self._share.some_tokens(size)
            due = self._client.now()
            self._lane.tally.scheduled += len(tokens)
            for index, token in enumerate(tokens):
                number = -1 - burst * size - index
                self._under_way[number] = (SIMULTANEOUS, due)
                self._group.add(gevent.spawn(self._ask, number, due, token))
            self._drain()

    def _ask(self, number: int, due: float, token: LiveToken) -> None:
        try:
            self._journeys.validate_one(self._http, due, token.value, token.user, SIMULTANEOUS)
        except gevent.GreenletExit:
            return
        self._under_way.pop(number, None)

    def _listen(self) -> None:
        """Hold a stream open for the whole run; takes one sample when it ends."""
        due = self._client.now()
        try:
            Stream(self._share.deployment).hold()
        except BrokenStreamError as broken:
            self._client.count(STREAM, due, broken.result, str(broken))
        except gevent.GreenletExit:
            self._client.count(STREAM, due, Result.OK)


def _connections(http: FastHttpSession) -> int:
    """The number of open sockets, which the library has under no public name."""
    pools = [each._connection_pool for each in http.client.clientpool.clients.values()]
    return sum(each._socket_queue.qsize() + each.size - each._semaphore.counter for each in pools)
