"""cachetools as the other side of DifferentialTests: an operation a line in, what came of it a line out.

  new KIND MAXSIZE counted|sized TTL   a cache: lru, fifo, lfu, ttl or tlru; its clock stands at 0
  get KEY                              the number of the value held
  set KEY NUMBER SIZE LIFE             writes a value; LIFE is its time to use
  ask KEY NUMBER SIZE LIFE             as a memoized function: what is held, or else the value
  del KEY | clear | len
  tick N                               N instants pass
  expire                               what has ended since the last time, told or not

A line out is RESULT | EVICTED | HELD: keys and values, in the order of eviction.
"""
import copy
import sys

import cachetools

KINDS = {
    "lru": cachetools.LRUCache, "fifo": cachetools.FIFOCache, "lfu": cachetools.LFUCache,
    "ttl": cachetools.TTLCache, "tlru": cachetools.TLRUCache,
}
now = 0


def made(kind, maxsize, sizing, ttl):
    class Recorded(KINDS[kind]):
        """Keeps what it evicted, and what it let go because it had ended."""
        evicted, expired = [], []

        def popitem(self):
            pair = super().popitem()
            self.evicted.append(pair)
            return pair

        def expire(self, time=None):
            gone = super().expire(time)
            self.expired += gone
            return gone

    options = {"getsizeof": lambda value: value[1]} if sizing == "sized" else {}
    if kind == "ttl":
        options |= {"ttl": int(ttl), "timer": lambda: now}
    if kind == "tlru":
        options |= {"ttu": lambda key, value, time: time + value[2], "timer": lambda: now}
    return Recorded(int(maxsize), **options)


def line(pairs):
    return " ".join(f"{key}={value[0]}" for key, value in pairs)


def taken(pairs):
    """The pairs as text; there are none then."""
    text = line(pairs)
    pairs.clear()
    return text


def held(cache):
    """What there is, as a copy of the cache lets go of it: looking changes nothing."""
    other = copy.copy(cache)
    other.evicted, other.expired = [], []
    size = other.currsize
    while other:
        other.popitem()
    return f"{size}: {line(other.evicted)}"


def write(cache, key, value):
    try:
        cache[key] = value
    except ValueError:
        # The engine does not keep an older value for a key either, where the newer is too large.
        cache.pop(key, None)
        return "too large"
    cache.evicted[:] = [pair for pair in cache.evicted if pair[0] != key]
    return "written"


def do(cache, operation, key=0, *value):
    global now
    key, value = int(key), tuple(float(part) if part == "inf" else int(part) for part in value)
    if operation == "get":
        found = cache.get(key)
        return "nothing" if found is None else found[0]
    if operation == "set":
        return write(cache, key, value)
    if operation == "ask":
        found = cache.get(key)
        return f"{value[0]} {write(cache, key, value)}" if found is None else found[0]
    if operation == "del":
        return "absent" if cache.pop(key, None) is None else "removed"
    if operation == "len":
        return len(cache)
    if operation == "tick":
        now += key
        return now
    if hasattr(cache, "timer"):
        cache.expire()
    if operation == "expire":
        cache.expired.sort()
        return taken(cache.expired)
    # The engine tells of what had ended when the cache is cleared; here it is told of before.
    cache.clear()
    return "cleared"


cache = None
lines = []
for text in sys.stdin:
    operation, *arguments = text.split()
    if operation == "new":
        cache, now, result = made(*arguments), 0, "new"
    else:
        result = do(cache, operation, *arguments)
    lines.append(f"{result} | {taken(cache.evicted)} | {held(cache)}\n")
sys.stdout.writelines(lines)
