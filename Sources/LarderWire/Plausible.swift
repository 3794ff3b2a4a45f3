import Foundation
package import Larder
package import LarderInspector

/// What an engine says of itself. Numbers that an engine cannot have are refused at the door:
/// nobody behind it has to expect them.
package protocol Plausible {
    var isPlausible: Bool { get }
}

/// Entries, bytes, how often: as many as a `Double` counts one by one.
private func areCounts(_ numbers: Int?...) -> Bool {
    numbers.allSatisfy { (0...1 << 53).contains($0 ?? 0) }
}

private func areCounts(_ numbers: UInt64...) -> Bool { numbers.allSatisfy { $0 <= 1 << 53 } }

private func areFinite(_ numbers: Double?...) -> Bool {
    numbers.allSatisfy { (-1e15...1e15).contains($0 ?? 0) }
}

/// Amounts that are expected, not counted, and so have fractions.
private func areAmounts(_ number: Double?) -> Bool { (0...1e15).contains(number ?? 0) }

/// Counts of so many caches can be added up.
private let mostCaches = 512

/// Years of four digits.
private func areTimes(_ times: Date?...) -> Bool {
    times.allSatisfy { (-6e10...2.5e11).contains($0?.timeIntervalSince1970 ?? 0) }
}

extension Array: Plausible where Element: Plausible {
    package var isPlausible: Bool { allSatisfy(\.isPlausible) }
}

extension EngineReport: Plausible {
    package var isPlausible: Bool {
        areTimes(wall, started) && areCounts(memory.resident, memory.limit, memory.mapped)
            && caches.count <= mostCaches && caches.isPlausible && origins.isPlausible
            && gateway?.isPlausible ?? true
    }
}

extension CacheReport: Plausible {
    package var isPlausible: Bool {
        areCounts(
            snapshot.count, snapshot.bytes, snapshot.flights, snapshot.undoableBytes,
            snapshot.recordBytes)
            && areCounts(snapshot.lastEvent) && snapshot.counters.isPlausible
            && snapshot.configuration.isPlausible && snapshot.fetchTimes.isPlausible
            && snapshot.agesAtRemoval.values.allSatisfy(\.isPlausible)
            && snapshot.failuresLately.isPlausible && snapshot.lately?.isPlausible ?? true
            && mostFetched.allSatisfy { areCounts($0.fetches, $0.failures) }
            && areCounts(forecasts?.held, forecasts?.missed)
    }
}

extension CacheCounters: Plausible {
    package var isPlausible: Bool {
        areCounts(
            hits, misses, coalesced, refused, servedStale, fetchFailures, evicted, expired,
            invalidated, replaced, oversized, unused, ghostEvicted, ghostExpired)
            && failures.isPlausible
    }
}

extension Lately: Plausible {
    package var isPlausible: Bool {
        areCounts(misses, ghostEvicted, ghostExpired, evicted, left, unused)
    }
}

extension FailureCounts: Plausible {
    package var isPlausible: Bool { FailureKind.allCases.allSatisfy { areCounts(self[$0]) } }
}

extension CacheConfiguration: Plausible {
    package var isPlausible: Bool { (try? validate()) != nil }
}

extension Histogram: Plausible {
    package var isPlausible: Bool {
        buckets.count <= 65 && buckets.allSatisfy { areCounts($0) } && areCounts(count)
            && microseconds <= 1 << 62
    }
}

extension OriginReport: Plausible {
    package var isPlausible: Bool {
        areCounts(calls, retries, throttles, savedCalls)
            && failures.values.allSatisfy { areCounts($0) } && latency.isPlausible
            && areFinite(capacity, savedCapacity, savedDollars)
    }
}

extension GatewayReport: Plausible {
    package var isPlausible: Bool {
        askers.count <= 4096
            && askers.allSatisfy {
                areCounts($0.hits, $0.joined, $0.misses, $0.stale, $0.passed, $0.refused)
                    && areFinite($0.savedSeconds, $0.savedCapacity, $0.savedDollars)
                    && $0.processes?.count ?? 0 <= 64
            }
    }
}

extension EntryRow: Plausible {
    package var isPlausible: Bool {
        areCounts(bytes, loads, refresh?.waiters, refresh?.trouble?.failures)
            && areCounts(hits, refresh?.trouble?.refusals ?? 0) && areCounts(toGo)
            && areAmounts(fetchRate)
    }
}

extension EntryPage: Plausible {
    package var isPlausible: Bool { areCounts(matched, total) && rows.isPlausible }
}

extension Look: Plausible {
    package var isPlausible: Bool {
        report.isPlausible && (page?.page(at: at)?.isPlausible ?? (page == nil))
    }
}

extension EntryDetail: Plausible {
    package var isPlausible: Bool { row.isPlausible && history.isPlausible }
}

extension LoggedEvent: Plausible {
    package var isPlausible: Bool {
        guard areCounts(number) else { return false }
        return switch kind {
        case .written(_, _, let bytes), .oversized(let bytes): areCounts(bytes)
        case .removed(_, _, _, let hits): areCounts(hits)
        case .configured(let from, let to): from.isPlausible && to.isPlausible
        case .forgotten(let failures, let refusals): areCounts(failures) && areCounts(refusals)
        case .failed, .softened, .restored: true
        }
    }
}

extension EventLog: Plausible {
    package var isPlausible: Bool { areCounts(dropped, last) && events.isPlausible }
}

extension FetchResult: Plausible {
    package var isPlausible: Bool { row?.isPlausible ?? true }
}

extension Verification: Plausible {
    package var isPlausible: Bool { true }
}

extension Forecast: Plausible {
    package var isPlausible: Bool {
        (1...1000).contains(count) && (.milliseconds(1) ... .seconds(86_400)).contains(width)
            && caches.count <= mostCaches
            && caches.allSatisfy { cache in
                areAmounts(cache.ending.reduce(0) { $0 + Double($1) })
                    && cache.ending.count == count && cache.fetches.count == count
                    && cache.lasting.count == count && cache.ending.allSatisfy { areCounts($0) }
                    && (cache.lasting + cache.fetches).allSatisfy { areAmounts($0) }
                    && areCounts(cache.later, cache.endless) && areAmounts(cache.peak?.fetches)
                    && areAmounts(cache.rate)
                    && cache.longest ?? .zero >= .zero
            }
    }
}

extension WhatIf: Plausible {
    package var isPlausible: Bool {
        let shares = [hitRatio, hitRatioError, stale ?? 0, staleError ?? 0]
        return bounds.isPlausible && shares.allSatisfy { (0...1).contains($0) }
            && areAmounts(fetchesPerSecond) && areAmounts(fetchesPerSecondError)
            && areCounts(entries, bytes, bytesError)
    }
}

extension WhatIfAnswer: Plausible {
    package var isPlausible: Bool {
        let changes = basis.changes
        return present.isPlausible && points.count <= 64 && points.isPlausible
            && policies.count <= 64 && policies.isPlausible
            && areCounts(basis.lookups, basis.recorded, basis.keys)
            && areCounts(changes.compared, changes.changed)
            && (0...1).contains(basis.rate) && basis.window >= .zero
            && [changes.perSecond, changes.least, changes.most].allSatisfy { areAmounts($0) }
            && (cost?.time.map { $0 >= .zero } ?? true) && areAmounts(cost?.units)
            && kept.count <= 64
            && kept.allSatisfy { kept in
                kept.bounds.isPlausible
                    && [kept.said, kept.saidError, kept.came ?? 0, kept.cameError ?? 0]
                        .allSatisfy { (0...1).contains($0) }
            }
    }
}

extension Change: Plausible {
    package var isPlausible: Bool {
        switch self {
        case .configure(_, let bounds): bounds.isPlausible
        case .all(let changes): changes.isPlausible
        case .invalidate, .invalidateAll, .soften: true
        }
    }
}

extension Plan: Plausible {
    package var isPlausible: Bool {
        areCounts(
            entries, bytes, fetches, failures, undoable, perMinute, takesBack?.entries, unnamed)
            && change.isPlausible
            && (before?.isPlausible ?? true) && (now?.isPlausible ?? true)
            && (foreseen?.isPlausible ?? true) && victims.allSatisfy { areCounts($0.bytes) }
    }
}

extension Outcome: Plausible {
    package var isPlausible: Bool {
        areCounts(removed, bytes, restored, forgotten, softened, unnamed)
    }
}

extension LarderInspector.PlanProgress: Plausible {
    package var isPlausible: Bool { (0...1).contains(share) && outcome.isPlausible }
}

extension ChangeRecord: Plausible {
    package var isPlausible: Bool {
        areCounts(number, missed) && areTimes(time)
            && areCounts(removed, forgotten, softened, restored, bytes, unnamed)
            && bounds.allSatisfy { $0.before.isPlausible && $0.after.isPlausible }
            && entries.allSatisfy { areCounts($0.bytes) }
    }
}

extension HistoryColumns: Plausible {
    package var isPlausible: Bool { history != nil }
}

extension MatchingColumns: Plausible {
    package var isPlausible: Bool { seen != nil }
}
