"""How often one visitor and one address may ask, type, send and judge, so that a script cannot flood the desk."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from web import auth
from web.origin import host, network
from web.problems import ApiError

Kind = Literal["tickets", "questions", "typing", "feedback", "sign_in"]
#: One address may be a whole office behind one router: it may do as much as this many visitors.
VISITORS_PER_ADDRESS = 10
#: A clock that is put back by more than so many seconds was wrong; less is what keeping it right takes.
_PUT_BACK_S = 5.0


@dataclass(frozen=True, slots=True)
class Hit:
    """What was counted once: of which kind, and of whom. `forget` where all that was counted of them is taken back."""

    kind: Kind
    of: tuple[str, str]
    forget: bool = False


class Limits:
    """Counts in this process's memory; `rates` are written like "20/hour", an empty one is no limit.

    `told` hears of everything that is counted here; `heard` counts what another process has counted.
    """

    def __init__(self, rates: Mapping[Kind, str], told: Callable[[Hit], None] = lambda _hit: None) -> None:
        self._rates = {kind: parse(rate) for kind, rate in rates.items() if rate}
        self._told = told
        self._counts = MovingWindowRateLimiter(MemoryStorage())
        self._ahead = time.time() - time.monotonic()

    def _mind_the_clock(self) -> None:
        """Begins anew where the clock was put back: what was counted lies in the future then and would not end."""
        ahead = time.time() - time.monotonic()
        if ahead < self._ahead - _PUT_BACK_S:
            self._counts.storage.reset()
        if abs(ahead - self._ahead) > _PUT_BACK_S:
            self._ahead = ahead

    def wait(self, kind: Kind, address: str, session: str = "") -> int:
        """Counts one more; 0, or how many seconds to wait where it was one too many."""
        rate = self._rates.get(kind)
        if rate is None:
            return 0
        self._mind_the_clock()
        of_address = _of_address(rate)
        if not self._hit(of_address, kind, "address", address):
            return self._seconds(of_address, kind, "address", address)
        if session and not self._hit(rate, kind, "session", session):
            return self._seconds(rate, kind, "session", session)
        return 0

    def try_account(self, address: str, account: str) -> int:
        """Counts a try of one address to sign in as somebody; 0, or how many seconds to wait.

        It counts before the password is looked at, so that many tries at once are many. Of the address itself only
        failures count: a whole office may sign in at nine. Nobody's account is closed to other addresses.
        """
        rate = self._rates.get("sign_in")
        if rate is None:
            return 0
        self._mind_the_clock()
        of_address = _of_address(rate)
        if not self._counts.test(of_address, "sign_in", "address", address):
            return self._seconds(of_address, "sign_in", "address", address)
        if not self._hit(rate, "sign_in", address, account):
            return self._seconds(rate, "sign_in", address, account)
        return 0

    def account_opened(self, address: str, account: str) -> None:
        """Forgets the tries: who signed in had only mistyped before."""
        if rate := self._rates.get("sign_in"):
            self._counts.clear(rate, "sign_in", address, account)
            self._told(Hit("sign_in", (address, account), forget=True))

    def heard(self, hit: Hit) -> None:
        """Counts what another process has counted."""
        if rate := self._rates.get(hit.kind):
            self._mind_the_clock()
            rate = _of_address(rate) if hit.of[0] == "address" else rate
            (self._counts.clear if hit.forget else self._counts.hit)(rate, hit.kind, *hit.of)

    def _hit(self, rate: RateLimitItem, kind: Kind, where: str, who: str) -> bool:
        if not self._counts.hit(rate, kind, where, who):
            return False
        self._told(Hit(kind, (where, who)))
        return True

    def _seconds(self, rate: RateLimitItem, *of: str) -> int:
        return max(1, math.ceil(self._counts.get_window_stats(rate, *of).reset_time - time.time()))


def _of_address(rate: RateLimitItem) -> RateLimitItem:
    return type(rate)(rate.amount * VISITORS_PER_ADDRESS, rate.multiples)


def wait(request: Request, kind: Kind, session: str = "") -> int:
    """Counts a request of a page or of the API; 0, or the seconds to wait. Who works on tickets never waits."""
    if auth.caller(request).may("tickets"):
        return 0
    limits: Limits = request.app.state.limits
    return limits.wait(kind, network(host(request)), session)


def check(request: Request, kind: Kind, session: str = "") -> None:
    """Counts a request of the API. Raises ApiError 429."""
    if seconds := wait(request, kind, session):
        detail = f"Too many requests. Try again in {seconds} seconds."
        raise ApiError(429, "too_many_requests", detail, {"Retry-After": str(seconds)})


def limited(kind: Kind) -> Callable[[Request], Awaitable[None]]:
    """A dependency of an API route, which counts by address alone. Raises ApiError 429."""

    async def _limited(request: Request) -> None:
        await auth.known(request)  # what has to be looked up is, in a thread
        check(request, kind)

    return _limited


Typing = Annotated[None, Depends(limited("typing"))]
Feedback = Annotated[None, Depends(limited("feedback"))]
