"""cachetools beside larder-bench: a workload a line in, one number a line out.

  hit N T | cached N T | mixed N T   N keys held, T threads: nanoseconds an operation
  churn SIZE N | fetch SIZE N        N keys through a cache of SIZE
  trace POLICY SIZE KEY...           hit ratio in per cent
Anything else is answered with "-".
"""
import sys
import threading
from itertools import islice
from time import perf_counter_ns

import cachetools
import cachetools.func

ENOUGH, AIM = 50e6, 100e6
POLICIES = {"lru": cachetools.LRUCache, "fifo": cachetools.FIFOCache, "lfu": cachetools.LFUCache}


def account(number):
    return (f"Account {number}", int(number), True)


def visits(count, writes=0):
    """Keys and the order of their visits, drawn as every other side draws them."""
    keys = [str(100_000_000_000 + n) for n in range(count)]
    state, order = 1, []
    for number in range(1, max(1 << 16, 4 * count) + 1):
        state = (state * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
        place = (state >> 33) % count
        order.append(~place if writes and number % writes == 0 else place)
    return keys, order


def memoized(maxsize):
    return cachetools.func.ttl_cache(maxsize=maxsize, ttl=3600)(account)


def called(maxsize, count):
    """Every look-up through the decorated function."""
    keys, order = visits(count)
    find = memoized(maxsize)
    if maxsize >= count:
        for key in keys:
            find(key)
    visited = [keys[place] for place in order]

    def loop(start, end):
        for key in islice(visited, start, end):
            find(key)
    return loop, len(visited)


def looked_up(count, writes=0):
    """Look-ups and writes under the lock of the decorated function, none of them calling it."""
    keys, order = visits(count, writes)
    find = memoized(count)
    for key in keys:
        find(key)
    cache, lock, name = find.cache, find.cache_lock, find.cache_key
    visited = [(keys[max(place, ~place)], place < 0) for place in order]
    fresh = account(keys[0])

    def loop(start, end):
        for key, is_write in islice(visited, start, end):
            with lock:
                if is_write:
                    cache[name(key)] = fresh
                else:
                    cache.get(name(key))
    return loop, len(visited)


def churned(maxsize, count):
    keys, order = visits(count)
    find = memoized(maxsize)
    cache, lock, name = find.cache, find.cache_lock, find.cache_key
    visited = [keys[place] for place in order]
    fresh = account(keys[0])

    def loop(start, end):
        for key in islice(visited, start, end):
            with lock:
                found = cache.get(name(key))
            if found is None:
                with lock:
                    cache[name(key)] = fresh
    return loop, len(visited)


class Timed:
    """Samples of a loop over a range of visits, on as many threads at once."""

    def __init__(self, loop, length, threads=1):
        self.loop, self.length, self.threads, self.count, self.warm = loop, length, threads, 1024, False

    def work(self, start, count):
        while count > 0:
            end = min(self.length, start + count)
            self.loop(start, end)
            count -= end - start
            start = 0

    def run(self, count):
        line = threading.Barrier(self.threads)
        times = []

        def worker(number):
            line.wait()
            began = perf_counter_ns()
            self.work(self.length // self.threads * number, count // self.threads)
            times.append((began, perf_counter_ns()))
        threads = [threading.Thread(target=worker, args=(n,)) for n in range(self.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return max(end for _, end in times) - min(began for began, _ in times)

    def sample(self):
        while True:
            took = self.run(self.count)
            if took >= ENOUGH and self.warm:
                return took / self.count
            self.warm = self.warm or took >= ENOUGH
            if took < ENOUGH:
                self.count = max(2 * self.count, min(64 * self.count, int(self.count * AIM / took)))


def trace(policy, maxsize, *keys):
    cache, hits = POLICIES[policy](int(maxsize)), 0
    for key in keys:
        if key in cache:
            hits += 1
            cache[key]
        else:
            cache[key] = True
    return 100 * hits / len(keys)


def prepare(workload, *arguments):
    """What takes the samples of a workload."""
    if workload == "trace":
        ratio = trace(*arguments) if arguments[0] in POLICIES else None
        return lambda: ratio
    sizes = [int(argument) for argument in arguments]
    if workload == "hit":
        return Timed(*called(sizes[0], sizes[0]), sizes[1]).sample
    if workload == "fetch":
        return Timed(*called(*sizes)).sample
    if workload in ("cached", "mixed"):
        return Timed(*looked_up(sizes[0], 10 if workload == "mixed" else 0), sizes[1]).sample
    if workload == "churn":
        return Timed(*churned(*sizes)).sample
    return lambda: None


known, sample = None, None
for line in sys.stdin:
    if line != known:
        known, sample = line, prepare(*line.split())
    number = sample()
    print("-" if number is None else number, flush=True)
