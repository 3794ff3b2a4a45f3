public import Foundation
public import Larder
import Synchronization

/// One thing that somebody did to the engine through an inspector: who, why, what there was before
/// and what after. Keys and facts, never values.
public struct ChangeRecord: Hashable, Sendable, Codable {
    public enum What: String, Hashable, Sendable, Codable, CaseIterable {
        /// A plan whose application is spread over some time.
        case began
        case applied, cancelled, undone, failed
    }

    /// The bounds of a cache on both sides of a change.
    public struct Bounds: Hashable, Sendable, Codable {
        public var cache: String
        public var before: Configuration
        public var after: Configuration
    }

    /// Counts from 1 within one instance.
    public var number: UInt64 = 0
    public var instance = ""
    public var at: Instant
    public var time: Date
    public var plan: Plan.ID
    public var what: What
    public var by: Actor
    public var bounds: [Bounds]
    /// What was removed, the first ``named`` of it; of an undone plan, what had been.
    public var entries: [PlannedVictim]
    public var removed: Int
    public var restored: Int
    public var bytes: Int
    public var skipped: [Skipped]
    public var failure: String?

    /// How many entries one record names.
    public static let named = 1000

    init(
        at: Instant, plan: Plan.ID, what: What, by: Actor, _ prepared: Prepared,
        _ outcome: Outcome, failure: String?
    ) {
        self.at = at
        self.time = Date()
        self.plan = plan
        self.what = what
        self.by = by
        bounds = prepared.bounds.map {
            what == .undone ? Bounds(cache: $0.cache, before: $0.after, after: $0.before) : $0
        }
        let stayed = Set(outcome.skipped.map(\.id))
        // Victims go in their order: what is done of a change that is not yet, or was stopped, is
        // the first of them.
        let gone = what == .undone ? Self.named : min(Self.named, outcome.removed)
        entries = Array(prepared.victims.lazy.filter { !stayed.contains($0.id) }.prefix(gone))
        removed = outcome.removed
        restored = outcome.restored
        bytes = outcome.bytes
        skipped = Array(outcome.skipped.prefix(Self.named))
        self.failure = failure
    }
}

extension ChangeRecord {
    /// In a line: what it was about.
    public var summary: String {
        if let failure { return failure }
        let bounds = bounds.map { "\($0.cache) \($0.after.differences(from: $0.before))" }
        let gone =
            what == .undone
            ? (restored > 0 ? ["\(restored) back"] : [])
            : (removed > 0 ? ["\(removed) removed"] : [])
        let left = skipped.isEmpty ? [] : ["\(skipped.count) left alone"]
        return (bounds + gone + left).joined(separator: ", ")
    }
}

extension Configuration {
    /// Which bounds are other ones, in words: `ttl 5m -> 10m`.
    public func differences(from old: Configuration) -> String {
        var parts: [String] = []
        if old.maxsize != maxsize {
            parts.append(
                "maxsize \(Units.text(maxsize: old.maxsize)) -> \(Units.text(maxsize: maxsize))"
            )
        }
        if old.ttl != ttl {
            parts.append("ttl \(Units.text(ttl: old.ttl)) -> \(Units.text(ttl: ttl))")
        }
        if old.maxbytes != maxbytes {
            func text(_ bytes: Int?) -> String { bytes.map { Units.text(bytes: $0) } ?? "none" }
            parts.append("maxbytes \(text(old.maxbytes)) -> \(text(maxbytes))")
        }
        if old.jitter != jitter { parts.append("jitter \(old.jitter) -> \(jitter)") }
        for (name, old, new) in [
            ("stale", old.staleIfError, staleIfError),
            ("negative", old.negativeTTL, negativeTTL),
        ] where old != new {
            parts.append("\(name) \(Units.text(old)) -> \(Units.text(new))")
        }
        if old.policy != policy { parts.append("policy \(old.policy) -> \(policy)") }
        return parts.joined(separator: ", ")
    }
}

/// What was done lately, for whoever asks and whoever waits for more.
final class Changes: Sendable {
    private let state = Guarded(State())

    private struct State {
        var number: UInt64 = 0
        var records: [ChangeRecord] = []
        var sinks: [@Sendable (ChangeRecord) -> Void] = []
        var followers: [Int: AsyncThrowingStream<ChangeRecord, any Error>.Continuation] = [:]
        var nextFollower = 0
    }

    private let instance: String

    /// Records kept.
    private static let kept = 256

    init(instance: String) { self.instance = instance }

    func add(_ record: ChangeRecord) {
        var record = record
        record.instance = instance
        let (numbered, sinks) = state.withLock { state in
            state.number += 1
            record.number = state.number
            state.records.append(record)
            if state.records.count > Self.kept { state.records.removeFirst() }
            for follower in state.followers.values { follower.yield(record) }
            return (record, state.sinks)
        }
        for sink in sinks { sink(numbered) }
    }

    /// Has every record from now on handed over before the one who made the change is answered.
    func hand(to sink: @escaping @Sendable (ChangeRecord) -> Void) {
        state.withLock { $0.sinks.append(sink) }
    }

    func after(_ number: UInt64) -> [ChangeRecord] {
        state.withLock { state in state.records.filter { $0.number > number } }
    }

    func follow(after number: UInt64) -> AsyncThrowingStream<ChangeRecord, any Error> {
        AsyncThrowingStream(bufferingPolicy: .bufferingNewest(Self.kept)) { continuation in
            let place = state.withLock { state in
                for record in state.records where record.number > number {
                    continuation.yield(record)
                }
                state.nextFollower += 1
                state.followers[state.nextFollower] = continuation
                return state.nextFollower
            }
            continuation.onTermination = { [weak self] _ in
                self?.state.withLock { $0.followers[place] = nil }
            }
        }
    }
}
