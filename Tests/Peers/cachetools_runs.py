"""Runs sequences of operations on real caches of cachetools: JSON in, JSON out.

In: a list of {"policy", "maxsize", "ttl", "sized", "operations": [[name, ...]]}.
Out: for each a transcript: what every operation returned and the live items after it, and in the end
the keys in the order of eviction.

Where Larder deviates on purpose, the peer is helped to do the same, see `write`.
"""
import json
import sys

import cachetools

now = 0


def size(value):
    return value["size"]


def make(run):
    options = {"getsizeof": size} if run["sized"] else {}
    if run["policy"] == "ttl":
        return cachetools.TTLCache(run["maxsize"], run["ttl"], timer=lambda: now, **options)
    if run["policy"] == "tlru":
        life = lambda key, value, time: time + value["life"]
        return cachetools.TLRUCache(run["maxsize"], life, timer=lambda: now, **options)
    kinds = {"lru": cachetools.LRUCache, "fifo": cachetools.FIFOCache}
    return kinds[run["policy"]](run["maxsize"], **options)


def held(cache):
    """The values that are stored, read past the cache: looking would change the order."""
    return cache._Cache__data


def write(run, cache, key, value):
    needed = size(value) if run["sized"] else 1
    ends = run["policy"] == "tlru" and value["life"] <= 0
    grows = run["sized"] and key in held(cache) and size(held(cache)[key]) < needed
    if needed > run["maxsize"] or ends or grows:
        # cachetools keeps the older value beside one that cannot be stored, and makes room for a
        # larger one as if the older were to stay.
        cache.pop(key, None)
    if needed <= run["maxsize"]:
        cache[key] = value


def perform(run, cache, operation):
    global now
    name, *rest = operation
    if name == "write":
        return write(run, cache, *rest)
    if name == "look":
        found = cache.get(rest[0])
        return found and found["number"]
    if name == "delete":
        return cache.pop(rest[0], None) is not None
    if name == "clear":
        count = len(cache)
        cache.clear()
        return count
    if name == "expire" and run["policy"] in ("ttl", "tlru"):
        cache.expire()
    if name == "advance":
        now += rest[0]
    return None


def live(cache):
    return {str(key): held(cache)[key]["number"] for key in cache if key in cache}


def transcript(run):
    global now
    now = 0
    cache, steps = make(run), []
    for operation in run["operations"]:
        result = perform(run, cache, operation)
        steps.append([result, live(cache)])
    order = []
    while len(cache):
        order.append(cache.popitem()[0])
    return {"steps": steps, "order": order}


json.dump([transcript(run) for run in json.load(sys.stdin)], sys.stdout)
