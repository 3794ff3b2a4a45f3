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
        /// What is about to be done. It is handed to who writes changes down beforehand and to
        /// nobody else; its number is 0.
        case applying, undoing
    }

    /// The bounds of a cache on both sides of a change: of one that was stopped, or failed, those
    /// that were reached.
    public struct Bounds: Hashable, Sendable, Codable {
        public var cache: String
        public var before: Configuration
        public var after: Configuration
    }

    /// Counts from 1 within one instance.
    public var number: UInt64 = 0
    /// How many records before this one, behind the last that was asked for or followed, are not
    /// kept any more: whoever follows has lost them.
    public var missed: UInt64 = 0
    public var instance = ""
    public var at: Instant
    public var time: Date
    public var plan: Plan.ID
    public var what: What
    public var by: Actor
    public var bounds: [Bounds]
    /// What was removed, the first ``named`` of it; of an undone plan, what had been, and then what
    /// had to go for it.
    public var entries: [PlannedVictim]
    /// Whether it marked entries as stale and did nothing else: they are served until they are
    /// fetched anew, and there is nothing to take back.
    public var isSoft = false
    /// Entries that were removed or marked as stale, and failures that were forgotten; how many of
    /// these are failures, and how many were marked.
    public var removed: Int
    public var forgotten: Int
    public var softened: Int
    public var restored: Int
    public var bytes: Int
    public var skipped: [Skipped]
    /// How many more were left alone than are named.
    public var unnamed: Int
    /// Why it is not done, or not wholly.
    public var failure: String?

    /// How many entries one record names.
    public static let named = 1000

    init(
        at: Instant, plan: Plan.ID, what: What, by: Actor, bounds: [Bounds],
        entries: [PlannedVictim], _ outcome: Outcome, isSoft: Bool = false, failure: String?
    ) {
        self.at = at
        self.time = Date()
        self.plan = plan
        self.what = what
        self.by = by
        self.bounds = bounds
        self.entries = Array(entries.prefix(Self.named))
        (removed, forgotten) = (outcome.removed, outcome.forgotten)
        (self.isSoft, softened) = (isSoft, outcome.softened)
        restored = outcome.restored
        bytes = outcome.bytes
        (skipped, unnamed) = (outcome.skipped, outcome.unnamed)
        self.failure = failure
    }

    /// About the memory that it takes to keep it.
    var weight: Int {
        entries.reduce(MemoryLayout<Self>.stride) { $0 + $1.weight }
            + skipped.reduce(0) { $0 + $1.weight }
    }
}

extension ChangeRecord {
    /// Whether ``Inspector/undo(_:by:)`` may have something to take back at an instant: bounds at
    /// any time, what was removed for ``Plan/undoWindow``, and never what was marked as stale.
    public func canUndo(at now: Instant) -> Bool {
        switch what {
        case .undone, .applying, .undoing: false
        case .began: !isSoft
        case .applied, .cancelled, .failed:
            !bounds.isEmpty
                || removed - forgotten - softened > 0 && now - at < Plan.undoWindow
        }
    }
}

extension ChangeRecord {
    /// In a line: what it was about, and why it is not more.
    public var summary: String { summary(arrow: "->") }

    /// The same, with another sign between what was and what is.
    package func summary(arrow: String) -> String {
        let bounds = bounds.map {
            "\($0.cache) \($0.after.differences(from: $0.before, arrow: arrow))"
        }
        let gone = [
            (restored, "back"), (removed - forgotten - softened, "removed"),
            (softened, "marked stale"),
            (forgotten, forgotten == 1 ? "failure forgotten" : "failures forgotten"),
            (skipped.count + unnamed, "left alone"),
        ]
        .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        let done = (bounds + gone).joined(separator: ", ")
        guard let failure else { return done }
        return done.isEmpty ? failure : "\(done); \(failure)"
    }
}

extension Configuration {
    /// Which bounds are other ones, in words: `ttl 5m -> 10m`.
    public func differences(from old: Configuration) -> String {
        differences(from: old, arrow: "->")
    }

    /// The same, with another sign between what was and what is.
    package func differences(from old: Configuration, arrow: String) -> String {
        var parts: [String] = []
        if old.maxsize != maxsize {
            parts.append(
                "maxsize \(Units.text(maxsize: old.maxsize)) \(arrow) \(Units.text(maxsize: maxsize))"
                    + ((maxsize ?? 0) == 0 ? "" : maxsize == 1 ? " entry" : " entries"))
        }
        if old.ttl != ttl {
            parts.append("ttl \(Units.text(ttl: old.ttl)) \(arrow) \(Units.text(ttl: ttl))")
        }
        if old.maxbytes != maxbytes {
            func text(_ bytes: Int?) -> String {
                bytes.map { $0 == 0 ? "off" : Units.words(bytes: $0) } ?? "none"
            }
            parts.append("maxbytes \(text(old.maxbytes)) \(arrow) \(text(maxbytes))")
        }
        if old.jitter != jitter {
            parts.append(
                "jitter \(Units.text(jitter: old.jitter)) \(arrow) \(Units.text(jitter: jitter))")
        }
        for (name, old, new) in [
            ("stale", old.staleIfError, staleIfError),
            ("negative", old.negativeTTL, negativeTTL),
        ] where old != new {
            parts.append("\(name) \(Units.text(reserve: old)) \(arrow) \(Units.text(reserve: new))")
        }
        if old.policy != policy { parts.append("policy \(old.policy) \(arrow) \(policy)") }
        return parts.joined(separator: ", ")
    }
}

/// What was done lately, for whoever asks and whoever waits for more.
final class Changes: Sendable {
    private let state = Guarded(State())

    private struct State {
        var number: UInt64 = 0
        var records: [ChangeRecord] = []
        var bytes = 0
        var sinks: [Sink] = []
        /// Rung when there is more.
        var followers: [Int: AsyncStream<Void>.Continuation] = [:]
        var nextFollower = 0
    }

    private struct Sink {
        var takesIntents: Bool
        var write: @Sendable (ChangeRecord) throws -> Void
    }

    private let instance: String

    /// Records kept, and their bytes, of which the newest is always one.
    private static let kept = 256
    private static let bytesKept = 32 << 20

    init(instance: String) { self.instance = instance }

    /// Numbers a record, keeps it and hands it over. Returns what those who were to write it down
    /// say of that; `nil` where all of them did.
    func add(_ record: ChangeRecord) -> String? {
        var record = record
        record.instance = instance
        let (numbered, sinks) = state.withLock { state in
            state.number += 1
            record.number = state.number
            state.records.append(record)
            state.bytes += record.weight
            while state.records.count > Self.kept
                || state.records.count > 1 && state.bytes > Self.bytesKept
            {
                state.bytes -= state.records.removeFirst().weight
            }
            for follower in state.followers.values { follower.yield() }
            return (record, state.sinks)
        }
        let problems = sinks.compactMap { sink -> String? in
            do { try sink.write(numbered) } catch { return "\(error)" }
            return nil
        }
        return problems.isEmpty ? nil : problems.joined(separator: "; ")
    }

    /// Hands over what is about to be done.
    ///
    /// - Returns: Whether somebody was told, who has to hear how it ended.
    /// - Throws: ``InspectorError`` where that could not be written down: it is not to be done.
    @discardableResult
    func intend(_ record: @autoclosure () -> ChangeRecord) throws -> Bool {
        let sinks = state.withLock { $0.sinks }.filter(\.takesIntents)
        guard !sinks.isEmpty else { return false }
        var record = record()
        record.instance = instance
        do { for sink in sinks { try sink.write(record) } } catch {
            throw InspectorError(unrecorded: "\(error)")
        }
        return true
    }

    /// Has every record from now on handed over before the one who made the change is answered,
    /// and intents before the change is made.
    func hand(
        intents: Bool, to sink: @escaping @Sendable (ChangeRecord) throws -> Void
    ) {
        state.withLock { $0.sinks.append(Sink(takesIntents: intents, write: sink)) }
    }

    /// Those behind a number; the first of them says how many before it are lost.
    func after(_ number: UInt64) -> [ChangeRecord] {
        var records = state.withLock { state in state.records.filter { $0.number > number } }
        if let first = records.first { records[0].missed = first.number - number - 1 }
        return records
    }

    /// Each is taken from what is kept when it is asked for: a follower that does not read costs
    /// nothing, and is told how many it has lost that are kept no more.
    func follow(after number: UInt64) -> AsyncThrowingStream<ChangeRecord, any Error> {
        let (rings, bell) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let place = state.withLock { state in
            state.nextFollower += 1
            state.followers[state.nextFollower] = bell
            return state.nextFollower
        }
        bell.onTermination = { [weak self] _ in
            self?.state.withLock { $0.followers[place] = nil }
        }
        let follower = Follower(self, rings, after: number)
        return AsyncThrowingStream { await follower.next() }
    }

    private func first(after number: UInt64) -> ChangeRecord? {
        var record = state.withLock { state in state.records.first { $0.number > number } }
        if let found = record { record?.missed = found.number - number - 1 }
        return record
    }

    private actor Follower {
        private weak var changes: Changes?
        private let rings: AsyncStream<Void>
        private var last: UInt64

        init(_ changes: Changes, _ rings: AsyncStream<Void>, after last: UInt64) {
            self.changes = changes
            self.rings = rings
            self.last = last
        }

        func next() async -> ChangeRecord? {
            var rings = rings.makeAsyncIterator()
            while true {
                if let record = changes?.first(after: last) {
                    last = record.number
                    return record
                }
                guard await rings.next(isolation: self) != nil else { return nil }
            }
        }
    }
}
