import ArgumentParser
import Foundation
import Larder
import Synchronization

/// A cache that a trace is replayed through by a clock that is turned by hand.
struct TimedReplay {
    private let clock = Hand()
    private let cache: Cache<Int, Crumb>
    private let trace: Trace
    private let step: Int64

    private final class Hand: Sendable {
        let now = Mutex<Int64>(0)
    }

    /// - Parameter step: Nanoseconds from one look-up to the next.
    init(_ trace: Trace, _ bounds: CacheConfiguration, step: Int64, foresight: Bool) {
        (self.trace, self.step) = (trace, step)
        let clock = clock
        let size: @Sendable (Int, Crumb) -> Int = { _, crumb in crumb.bytes }
        cache = Cache(
            "replay", bounds, weigher: trace.bytes == nil ? nil : size, events: 0,
            foresight: foresight,
            clock: AgeClock(
                now: { AgeInstant(nanoseconds: clock.now.withLock { $0 }) },
                sleep: { _ in try await Task.sleep(for: .seconds(1 << 30)) }), fetch: nil)
    }

    /// Replays a part of the trace; returns the hits.
    func run(_ places: Range<Int>) -> Int {
        let before = cache.snapshot().counters.hits
        for place in places {
            clock.now.withLock { $0 += step }
            let key = trace.keys[place]
            if cache.cached(key) == nil {
                cache.insert(Crumb(bytes: trace.bytes?[place] ?? 0), for: key)
            }
        }
        return Int(cache.snapshot().counters.hits - before)
    }

    var record: LookUpRecord? { cache.lookUps() }

    var counters: CacheCounters { cache.snapshot().counters }
}

/// A value that stands for so many bytes.
private struct Crumb: ByteSized {
    var bytes: Int
    var heapBytes: Int { bytes }
}

extension Trace {
    /// A look-up a millisecond.
    static let step: Int64 = 1_000_000

    /// The bounds around which a trace is foreseen: in the middle of its sizes, and a ttl of an
    /// eighth of its time.
    func present(_ name: String, _ policy: Policy) -> CacheConfiguration {
        let sizes = Self.sizes(of: name)
        let size = sizes[sizes.count / 4]
        let ttl = Duration.nanoseconds(Int64(keys.count) * Self.step / 8)
        return bytes == nil
            ? CacheConfiguration(maxsize: size, ttl: ttl, policy: policy)
            : CacheConfiguration(maxsize: nil, maxbytes: size << 20, ttl: ttl, policy: policy)
    }
}

extension Figure {
    static let foresight: [Figure] = Trace.names.flatMap { trace in
        Policy.names.map { foresight(trace, $0) }
    }

    private static func foresight(_ name: String, _ policy: String) -> Figure {
        Figure(
            id: "foresight.\(name).\(policy)", unit: "%",
            about:
                "points of sizes by ttls whose exact hit ratio lies within 1 point of what is "
                + "foreseen, or within its bar",
            rounds: 1
        ) { bench in
            let trace = try Trace(name, data: bench.data)
            return [
                .ours { try await share(trace, name, policy, bench) }
            ]
        }
    }

    /// Foresees every point, and runs each in full: the same part of the trace counts for both.
    private static func share(
        _ trace: Trace, _ name: String, _ policy: String, _ bench: Bench
    ) async throws -> Double? {
        let present = trace.present(name, Policy(policy == "rr" ? "rr,seed=1" : policy)!)
        let run = TimedReplay(trace, present, step: Trace.step, foresight: true)
        _ = run.run(0..<trace.keys.count)
        guard let record = run.record else { throw LeftOut("nothing of \(name) is on record") }
        let grid = await record.grid()
        let window = Int(record.basis.window.nanoseconds / Trace.step)
        // What is not on record from its beginning fills the caches by its first third.
        let counted = record.basis.isWhole ? trace.keys.count : window - window / 3
        let first = max(0, trace.keys.count - counted)
        var (errors, bars, held): ([Double], [Double], Int) = ([], [], 0)
        for point in grid.points {
            let full = TimedReplay(trace, point.bounds, step: Trace.step, foresight: false)
            _ = full.run(0..<first)
            let hits = full.run(first..<trace.keys.count)
            let exact = Double(hits) / Double(trace.keys.count - first)
            let error = abs(point.hitRatio - exact)
            errors.append(error * 100)
            bars.append(point.hitRatioError * 100)
            if error <= max(0.01, point.hitRatioError) + 1e-9 { held += 1 }
        }
        func text(_ number: Double?) -> String {
            String(format: "%.2f", number ?? .nan)
        }
        bench.say(
            "foresight.\(name).\(policy): of \(grid.points.count) points \(held) held; error "
                + "\(text(errors.median)) in the median, \(text(errors.max())) at most; bar "
                + "\(text(bars.median)) in the median, \(text(bars.max())) at most; "
                + "\(record.basis.recorded) look-ups of \(record.basis.keys) keys on record, "
                + "one key in \(text(1 / record.basis.rate))")
        return 100 * Double(held) / Double(grid.points.count)
    }
}

/// What a cache would make of a trace, exactly: by a run in full.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Replay a trace through a cache, and print what came.",
        discussion: """
            larder-bench replay gli --maxsize 500 --ttl 2 --policy lru
            larder-bench replay trace.txt --maxsize 64 --every 10
            """)

    @Argument(help: "A trace by its name, or a file of numbers, one a line (.gz too), or .bin.")
    var trace: String
    @Option(help: "Most entries.") var maxsize: Int?
    @Option(help: "Most bytes, for a trace that tells sizes.") var maxbytes: Int?
    @Option(help: "Seconds that an entry may be served.") var ttl: Double?
    @Option(help: "The policy.") var policy = "lru"
    @Option(help: "Milliseconds from one look-up to the next.") var every = 1.0
    @Option(help: "Where the traces are (default: ../shared/data beside the package).")
    var data: String?

    func validate() throws {
        guard Policy(policy) != nil else {
            throw ValidationError("--policy \(policy): \(Policy.accepted) are accepted")
        }
        guard (0...1e9).contains(ttl ?? 0), (0.000_001...1e6).contains(every) else {
            throw ValidationError("--ttl: up to 1e9 are accepted; --every: 0.000001 to 1e6")
        }
        do { try bounds.validate() } catch { throw ValidationError("\(error)") }
    }

    private var bounds: CacheConfiguration {
        CacheConfiguration(
            maxsize: maxsize, maxbytes: maxbytes,
            ttl: ttl.map { .nanoseconds(Int64($0 * 1e9)) }, policy: Policy(policy) ?? .lru)
    }

    func run() async throws {
        let trace = try Trace(nameOrFile: trace, data: Bench(data: data).data)
        guard maxbytes == nil || trace.bytes != nil else {
            throw LeftOut("\(self.trace) tells no sizes: --maxbytes has nothing to go by")
        }
        let replay = TimedReplay(trace, bounds, step: Int64(every * 1e6), foresight: false)
        _ = replay.run(0..<trace.keys.count)
        let counters = replay.counters
        let seconds = Double(trace.keys.count) * every / 1000
        try put(
            """
            look-ups  \(counters.lookups)
            hits      \(counters.hits)
            misses    \(counters.misses)
            hit ratio \(String(format: "%.4f", counters.hitRatio ?? 0))
            fetches/s \(String(format: "%.3f", Double(counters.misses) / max(seconds, 1e-9)))

            """)
    }
}
