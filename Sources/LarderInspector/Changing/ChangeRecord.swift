public import FoundationEssentials
public import Larder
import Synchronization

/// One thing that somebody did to the engine through an inspector: who, why, what there was before
/// and what after. Keys and facts, never values.
public struct ChangeRecord: Hashable, Sendable, Codable {
    /// What was done, or is about to be.
    public enum What: String, Hashable, Sendable, Codable, CaseIterable {
        /// A plan whose application is spread over some time.
        ///
        /// ``ChangeRecord/entries`` are those that are to go.
        case began
        /// All was done; it was stopped before that; it was taken back, by someone or by itself; it
        /// failed, and ``ChangeRecord/failure`` says why.
        case applied, cancelled, undone, failed
        /// What is about to be done. It is handed to who writes changes down beforehand and to
        /// nobody else; its number is 0.
        case applying, undoing
    }

    /// The bounds of a cache on both sides of a change: of one that was stopped, or failed, those
    /// that were reached.
    public struct Bounds: Hashable, Sendable, Codable {
        /// By which the cache is addressed.
        public var cache: String
        /// The bounds that it had.
        public var before: CacheConfiguration
        /// The bounds that it has since; of what begins or is about to be applied, those it is to
        /// have.
        public var after: CacheConfiguration
    }

    /// Counts from 1 within one instance.
    public var number: UInt64 = 0
    /// How many records before this one, behind the last that was asked for or followed, are not
    /// kept any more: whoever follows has lost them.
    public var missed: UInt64 = 0
    /// The run of the engine, as ``EngineReport/instance``.
    public var instance = ""
    /// When, on the engine's age line.
    public var at: AgeInstant
    /// When, by the wall clock.
    public var time: Date
    /// The plan that was applied, or taken back.
    public var plan: Plan.ID
    /// What was done, or is about to be.
    public var what: What
    /// Who did it, and why.
    public var by: Operator
    /// The bounds that changed, of each cache once.
    public var bounds: [Bounds]
    /// What was removed, the first ``named`` of it; of an undone plan, what had been, and then what
    /// had to go for it.
    public var entries: [PlannedVictim]
    /// Whether it marked entries as stale and did nothing else: they are served until they are
    /// refreshed, and there is nothing to take back.
    public var isSoft = false
    /// Entries that were removed or marked as stale, and failures that were forgotten.
    public var removed: Int
    /// How many of ``removed`` are failures.
    public var forgotten: Int
    /// How many of ``removed`` were marked as stale.
    public var softened: Int
    /// Entries that were put back.
    public var restored: Int
    /// What the ``removed`` entries took.
    public var bytes: Int
    /// What was left alone, the first ``Skipped/named`` of it.
    public var skipped: [Skipped]
    /// How many more were left alone than are named.
    public var unnamed: Int
    /// Why it is not done, or not wholly.
    public var failure: String?
    /// After how long its bounds go back by themselves; `nil` where they stay.
    public var lasting: Duration?
    /// Of what begins: how many are to go, of which ``entries`` names the first.
    public var planned: Int?

    /// How many entries one record names.
    public static let named = 1000

    init(
        at: AgeInstant, plan: Plan.ID, what: What, by: Operator, bounds: [Bounds],
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
    public func canUndo(at now: AgeInstant) -> Bool {
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
    /// In a line: what it was about, and why it did not do more.
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
        let going = what == .began && !entries.isEmpty ? [going] : []
        let which = bounds.isEmpty && going.isEmpty && !gone.isEmpty ? which : ""
        var done = which + (bounds + going + gone).joined(separator: ", ")
        if let lasting, failure == nil { done += ", for \(Units.text(lasting))" }
        if done.isEmpty, what == .undone { done = "nothing came back" }
        guard let failure else { return done }
        return done.isEmpty ? failure : "\(done); \(failure)"
    }
}

extension ChangeRecord {
    /// Of what it speaks: `accounts: `, and of one entry its key as well.
    private var which: String {
        let caches = Set(entries.map { Verbatim($0.id.cache) }).map(\.text).sorted()
        guard !caches.isEmpty else { return "" }
        return caches.joined(separator: ", ")
            + (entries.count == 1 ? " \(entries[0].id.key): " : ": ")
    }

    /// What is to go, one after the other: `65 of accounts go, one by one`.
    private var going: String {
        let caches = Set(entries.map { Verbatim($0.id.cache) }).map(\.text).sorted()
        return "\(planned ?? entries.count) of \(caches.joined(separator: ", ")) "
            + (isSoft ? "are marked stale, one by one" : "go, one by one")
    }
}

extension CacheConfiguration {
    /// Which bounds differ, in words: `ttl 5m -> 10m`.
    public func differences(from old: CacheConfiguration) -> String {
        differences(from: old, arrow: "->")
    }

    /// The same, with another sign between what was and what is.
    package func differences(from old: CacheConfiguration, arrow: String) -> String {
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
