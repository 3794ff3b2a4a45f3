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
            // What the clock would have done by itself, were it not turned by hand.
            cache.expire()
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
            let present = trace.present(name, Policy(policy == "rr" ? "rr,seed=1" : policy)!)
            return [
                .ours {
                    let held = try await Foreseen(trace, present, step: Trace.step)
                    bench.say("foresight.\(name).\(policy): \(held)")
                    return 100 * Double(held.held) / Double(held.errors.count)
                }
            ]
        }
    }
}

/// How far what is foreseen of a trace is from what comes.
struct Foreseen: CustomStringConvertible {
    /// In points of the hit ratio: how far off each is, and its bar.
    private(set) var errors: [Double] = []
    private(set) var bars: [Double] = []
    /// How many are off by a point at most, or lie within their bar.
    private(set) var held = 0
    /// Those that do not.
    private(set) var missed: [String] = []
    private let basis: WhatIfBasis

    /// Foresees every point, and runs each in full: the same part of the trace counts for both.
    init(_ trace: Trace, _ present: CacheConfiguration, step: Int64) async throws {
        let run = TimedReplay(trace, present, step: step, foresight: true)
        _ = run.run(0..<trace.keys.count)
        guard let record = run.record else { throw LeftOut("nothing of the trace is on record") }
        let grid = await record.grid()
        basis = record.basis
        let first = max(0, trace.keys.count - 1 - Int(record.counts.nanoseconds / step))
        for point in grid.points {
            let full = TimedReplay(trace, point.bounds, step: step, foresight: false)
            _ = full.run(0..<first)
            let hits = full.run(first..<trace.keys.count)
            add(point, exact: Double(hits) / Double(trace.keys.count - first))
        }
    }

    private mutating func add(_ point: WhatIf, exact: Double) {
        let error = abs(point.hitRatio - exact)
        errors.append(error * 100)
        bars.append(point.hitRatioError * 100)
        if error <= max(0.01, point.hitRatioError) + 1e-9 {
            held += 1
        } else {
            let said = [point.hitRatio, point.hitRatioError, exact].map { Self.text($0 * 100) }
            missed.append("\(point.bounds): \(said[0]) ± \(said[1]) was said, \(said[2]) came")
        }
    }

    private static func text(_ number: Double?) -> String { String(format: "%.2f", number ?? .nan) }

    var description: String {
        let figures = [errors.median, errors.max(), bars.median, bars.max()].map(Self.text)
        return "of \(errors.count) points \(held) held; error \(figures[0]) in the median, "
            + "\(figures[1]) at most; bar \(figures[2]) in the median, \(figures[3]) at most; "
            + "\(basis.recorded) look-ups of \(basis.keys) keys on record, one key in "
            + Self.text(1 / basis.rate)
    }
}

/// A trace, and the bounds of a cache for it.
struct TraceOptions: ParsableArguments {
    @Argument(help: "A trace by its name, or a file of numbers, one a line (.gz too), or .bin.")
    var trace: String
    @Option(help: "Most entries.") var maxsize: Int?
    @Option(help: "Most bytes, for a trace that tells sizes.") var maxbytes: Int?
    @Option(help: "Seconds that an entry may be served.") var ttl: Double?
    @Option(help: "Milliseconds from one look-up to the next.") var every = 1.0
    @Option(help: "Where the traces are (default: ../shared/data beside the package).")
    var data: String?

    var step: Int64 { Int64(every * 1e6) }

    func validate() throws {
        guard (0...1e9).contains(ttl ?? 0), (0.000_001...1e6).contains(every) else {
            throw ValidationError("--ttl: up to 1e9 are accepted; --every: 0.000001 to 1e6")
        }
        do { try bounds(.lru).validate() } catch { throw ValidationError("\(error)") }
    }

    func bounds(_ policy: Policy) -> CacheConfiguration {
        CacheConfiguration(
            maxsize: maxsize, maxbytes: maxbytes,
            ttl: ttl.map { .nanoseconds(Int64($0 * 1e9)) }, policy: policy)
    }

    func read() throws -> Trace {
        let read = try Trace(nameOrFile: trace, data: Bench(data: data).data)
        guard maxbytes == nil || read.bytes != nil else {
            throw LeftOut("\(trace) tells no sizes: --maxbytes has nothing to go by")
        }
        return read
    }

    static func policy(_ text: String) throws -> Policy {
        guard let policy = Policy(text) else {
            throw ValidationError("--policy \(text): \(Policy.accepted) are accepted")
        }
        return policy
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

    @OptionGroup var options: TraceOptions
    @Option(help: "The policy.") var policy = "lru"

    func validate() throws { _ = try TraceOptions.policy(policy) }

    func run() async throws {
        let bounds = options.bounds(try TraceOptions.policy(policy))
        let trace = try options.read()
        let replay = TimedReplay(trace, bounds, step: options.step, foresight: false)
        _ = replay.run(0..<trace.keys.count)
        let counters = replay.counters
        let seconds = Double(trace.keys.count) * options.every / 1000
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

/// Whether what is foreseen of a trace comes.
struct ForeseeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "foresee",
        abstract: "Say what other bounds would bring for a trace, and run each in full.",
        discussion: """
            The trace goes through a cache of these bounds, which then says what an eighth of the \
            size up to eight times, and of the ttl, would have brought. Each of these is run in \
            full, and those that lie off by more than a point and outside of their bar are listed.

            larder-bench foresee gli --maxsize 500 --ttl 2
            larder-bench foresee trace.txt --maxsize 5000 --ttl 60 --every 10 --policy s3fifo
            """)

    @OptionGroup var options: TraceOptions
    @Option(help: "The policy (default: one after the other, all).") var policy: String?

    func validate() throws { _ = try policies }

    private var policies: [Policy] {
        get throws {
            // The one left to chance is to do the same again.
            try (policy.map { [$0] } ?? Policy.names).map {
                try TraceOptions.policy($0 == "rr" ? "rr,seed=1" : $0)
            }
        }
    }

    func run() async throws {
        let trace = try options.read()
        for policy in try policies {
            let foreseen = try await Foreseen(trace, options.bounds(policy), step: options.step)
            try put("\(policy): \(foreseen)\n")
            for point in foreseen.missed { try put("    \(point)\n") }
        }
    }
}
