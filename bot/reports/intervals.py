"""How far a share may be from the truth: 95 % intervals. Pure.

Wilson, E. B. (1927), Probable inference, JASA 22; Newcombe, R. G. (1998), Interval estimation for the difference
between independent proportions, Statistics in Medicine 17, 873-890 (method 10).
"""

from __future__ import annotations

import math

#: Of the normal distribution: 95 % lie within, both sides; 80 % below.
Z95, Z80 = 1.959964, 0.841621

Interval = tuple[float, float]


def wilson(count: int, of: int) -> Interval | None:
    """The interval of a share, 0 to 1; None where it has no denominator."""
    if not of:
        return None
    share, z2 = count / of, Z95**2
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    reach = Z95 / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of**2))
    return (max(0.0, middle - reach) if count else 0.0), (min(1.0, middle + reach) if count < of else 1.0)


def newcombe(first: tuple[int, int], second: tuple[int, int]) -> Interval | None:
    """The interval of the first share minus the second one, each as (count, of); None without a denominator."""
    one, two = wilson(*first), wilson(*second)
    if one is None or two is None:
        return None
    p, q = first[0] / first[1], second[0] / second[1]
    below = math.sqrt((p - one[0]) ** 2 + (two[1] - q) ** 2)
    above = math.sqrt((one[1] - p) ** 2 + (q - two[0]) ** 2)
    return p - q - below, p - q + above


def sessions_needed(share: float, difference: float, held_out: float) -> int:
    """How many in all, a part `held_out` of them in one group, tell a difference from chance four times of five.

    `share` is what both have in common. (The usual formula for two proportions, two-sided 5 %, power 80 %.)
    """
    spread = share * (1 - share) * (Z95 + Z80) ** 2
    return math.ceil(spread / (difference**2 * held_out * (1 - held_out)))
