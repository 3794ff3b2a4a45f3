import Foundation
import Larder
import LarderInspector

/// One look at an engine, as text for people, as JSON or as CSV. Times are in seconds.
struct OneLook {
    let report: Report
    let page: Page

    func text(_ format: LookingOptions.Format) -> String {
        switch format {
        case .text: table
        case .json: json
        case .csv: csv
        }
    }

    // MARK: JSON

    private struct Document: Encodable {
        var name: String
        var instance: String
        var pid: Int32
        var at: String
        var memory: ProcessMemory
        var caches: [CacheDocument]
        var origins: [OriginDocument]
        var matched: Int
        var entries: [EntryDocument]
    }

    private struct CacheDocument: Encodable {
        var name: String
        var maxsize: Int?
        var ttl: Double?
        var entries: Int
        var bytes: Int
        var hits, misses, coalesced, refused, fetchFailures: UInt64
        /// The same by kind, since the start and within the last minute.
        var failures, failuresLately: FailureCounts
        var mostFetched: [FetchedRow]
        var evicted, expired, invalidated, replaced: UInt64
        var hitRatio: Double?
        /// Misses on keys that had left within the minute before, and their shares of the misses.
        var regretEvicted, regretExpired: UInt64
        var regretEvictedShare, regretExpiredShare: Double?
    }

    private struct OriginDocument: Encodable {
        var operation: String
        var calls, retries, throttles: UInt64
        var failures: [String: UInt64]
        /// Upper bounds, in seconds; absent before the first call that succeeded.
        var p50, p99: Double?
        var capacity: Double
        var savedCalls: UInt64
        var savedCapacity: Double
        var savedDollars: Double?
    }

    private struct EntryDocument: Encodable {
        var cache: String
        var key: String
        var version: UInt64
        /// Seconds left; absent where there is no end.
        var ttl: Double?
        var expiry: Double?
        var age: Double
        var hits: UInt64
        var size: Int
        var fetch: Double
        var state: String
        var lasthit: Double?
        /// A second, within the last minute.
        var fetches: Double?
        var refresh: Double?
        var togo: Int?
        /// Of a row that failed: why, how often in a row, and seconds to the next try.
        var failure: String?
        var failureKind: String?
        var failures: Int?
        /// How many seconds ago the first and the last of them were, and how many look-ups were
        /// answered with them.
        var firstFailure: Double?
        var lastFailure: Double?
        var refusals: UInt64?
        var nextTry: Double?
        var waiting: Int?
    }

    private var json: String {
        let document = Document(
            name: report.name, instance: report.instance, pid: report.pid,
            at: report.wall.formatted(.iso8601), memory: report.memory,
            caches: report.caches.map(cache), origins: report.origins.map(origin),
            matched: page.matched,
            entries: page.rows.map(entry))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // What cannot fail does not: everything in the document is a number or a text.
        return Output.text(json: String(decoding: try! encoder.encode(document), as: UTF8.self))
            + "\n"
    }

    private func cache(_ cache: CacheReport) -> CacheDocument {
        let counters = cache.snapshot.counters
        return CacheDocument(
            name: cache.name, maxsize: cache.snapshot.configuration.maxsize,
            ttl: cache.snapshot.configuration.ttl?.inSeconds, entries: cache.snapshot.count,
            bytes: cache.snapshot.bytes, hits: counters.hits, misses: counters.misses,
            coalesced: counters.coalesced, refused: counters.refused,
            fetchFailures: counters.fetchFailures, failures: counters.failures,
            failuresLately: cache.snapshot.failuresLately, mostFetched: cache.mostFetched,
            evicted: counters.evicted, expired: counters.expired,
            invalidated: counters.invalidated, replaced: counters.replaced,
            hitRatio: counters.hitRatio, regretEvicted: counters.regretEvicted,
            regretExpired: counters.regretExpired,
            regretEvictedShare: counters.regretEvictedShare,
            regretExpiredShare: counters.regretExpiredShare)
    }

    private func origin(_ origin: OriginReport) -> OriginDocument {
        OriginDocument(
            operation: origin.name, calls: origin.calls, retries: origin.retries,
            throttles: origin.throttles, failures: origin.failures,
            p50: origin.latency.quantile(0.5)?.inSeconds,
            p99: origin.latency.quantile(0.99)?.inSeconds, capacity: origin.capacity,
            savedCalls: origin.savedCalls, savedCapacity: origin.savedCapacity,
            savedDollars: origin.savedDollars)
    }

    private func entry(_ row: Row) -> EntryDocument {
        let trouble = row.renewal?.trouble
        let waiting = row.renewal?.waiters ?? 0
        return EntryDocument(
            cache: row.id.cache, key: row.id.key, version: row.version,
            ttl: row.deadline.map { rounded($0 - page.at) },
            expiry: row.expiry.map { rounded($0 - page.at) }, age: rounded(page.at - row.writtenAt),
            hits: row.hits, size: row.bytes, fetch: row.fetchTime.inSeconds,
            state: row.state(at: page.at).rawValue,
            lasthit: row.lastHit.map { rounded(page.at - $0) }, fetches: row.fetchRate,
            refresh: row.nextRefresh(at: page.at).map { rounded($0 - page.at) }, togo: row.toGo,
            failure: trouble?.reason, failureKind: trouble?.failure.rawValue,
            failures: trouble?.failures,
            firstFailure: trouble.map { rounded(page.at - $0.since) },
            lastFailure: trouble.map { rounded(page.at - $0.last) }, refusals: trouble?.refusals,
            nextTry: trouble.map { rounded($0.until - page.at) },
            waiting: waiting > 0 ? waiting : nil)
    }

    private func rounded(_ duration: Duration) -> Double {
        (duration.inSeconds * 1000).rounded() / 1000
    }

    // MARK: CSV

    private var csv: String {
        let names = [
            "cache", "key", "version", "ttl", "expiry", "age", "hits", "size", "fetch", "state",
            "lasthit", "fetches", "refresh", "togo", "failure", "failures", "refusals",
        ]
        let rows = page.rows.map(entry).map { entry in
            [
                entry.cache, entry.key, "\(entry.version)", entry.ttl.map { "\($0)" } ?? "",
                entry.expiry.map { "\($0)" } ?? "", "\(entry.age)", "\(entry.hits)",
                "\(entry.size)", "\(entry.fetch)", entry.state,
                entry.lasthit.map { "\($0)" } ?? "", entry.fetches.map { "\($0)" } ?? "",
                entry.refresh.map { "\($0)" } ?? "", entry.togo.map { "\($0)" } ?? "",
                entry.failureKind ?? "", entry.failures.map { "\($0)" } ?? "",
                entry.refusals.map { "\($0)" } ?? "",
            ]
        }
        return ([names] + rows).map { Output.line(csv: $0) + "\n" }.joined()
    }

    // MARK: Text

    private var table: String {
        let entries = page.rows.map(entry)
        let keys = entries.map { PlainText.fit($0.key) }
        let keyWidth = max(3, keys.map(Table.width).max() ?? 0)
        let names = report.caches.map { PlainText.fit($0.name) }
        let cacheWidth = max(5, names.map(Table.width).max() ?? 0)
        var lines = report.caches.map { cache -> String in
            let (snapshot, counters) = (cache.snapshot, cache.snapshot.counters)
            let parts: [String] = [
                Table.left(PlainText.fit(cache.name), cacheWidth),
                "\(snapshot.count) entries of \(Units.text(maxsize: snapshot.configuration.maxsize))",
                "ttl \(Units.text(ttl: snapshot.configuration.ttl))",
                "hit since the start \(Format.percent(counters.hitRatio))",
                Units.text(bytes: snapshot.bytes),
                "evicted \(counters.evicted)", "expired \(counters.expired)",
                "refused \(counters.refused)", "failed \(cache.failureWords)",
            ]
            return parts.joined(separator: "  ")
        }
        lines += report.origins.filter { $0.calls > 0 }.map { origin in
            let failures = origin.failures.sorted { $0.key < $1.key }
                .map { "\(PlainText.fit($0.key)) \($0.value)" }.joined(separator: ", ")
            let p50 = origin.latency.quantile(0.5).map { Format.took($0) } ?? "-"
            let saved =
                "saved \(origin.savedCalls)"
                + (origin.savedDollars.map { " ($\(Units.text($0, digits: 6)))" } ?? "")
            return
                "\(PlainText.fit(origin.name))  calls \(origin.calls)  retries \(origin.retries)  throttled "
                + "\(origin.throttles)  failed \(origin.failed)"
                + (failures.isEmpty ? "" : " (\(failures))") + "  p50 \(p50)  \(saved)"
        }
        lines.append("")
        lines.append(
            Table.left("CACHE", cacheWidth) + "  " + Table.left("KEY", keyWidth)
                + "      TTL   EXPIRY     HITS     SIZE  STATE")
        lines += zip(page.rows, keys).map { row, key in
            Table.left(PlainText.fit(row.id.cache), cacheWidth) + "  " + Table.left(key, keyWidth)
                + Table.right(Units.countdown(row.deadline.map { $0 - page.at }), 9)
                + Table.right(Units.countdown(row.expiry.map { $0 - page.at }), 9)
                + Table.right("\(row.hits)", 9) + Table.right(Units.text(bytes: row.bytes), 9)
                + "  \(row.state(at: page.at).rawValue)"
        }
        if page.matched > page.rows.count {
            lines.append("\(page.matched - page.rows.count) more; --limit shows them")
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
