import Larder

// Figures by the names that they have in every format.

extension CacheReport {
    /// Failed fetches by kind, `failedThrottled` and so on, and `absent`.
    public var failureFigures: [(name: String, count: UInt64)] {
        FailureKind.allCases.map { ($0.figureName, snapshot.counters.failures[$0]) }
    }

    /// How many fetches failed and as what, the kinds that there were, and what was absent:
    /// `failed 4 (3 throttled, 1 broken), absent 12`.
    public var failureWords: String {
        let counters = snapshot.counters
        let kinds = FailureKind.allCases.filter { $0 != .absent && counters.failures[$0] > 0 }
            .map { "\(counters.failures[$0]) \($0.word)" }
        let absent = counters.failures[.absent]
        return "failed \(counters.failed)"
            + (kinds.isEmpty ? "" : " (\(kinds.joined(separator: ", ")))")
            + (absent == 0 ? "" : ", absent \(absent)")
    }

    /// The shares of the recent misses, 0...1, that more room and a longer ttl would have spared.
    public var ghostFigures: [(name: String, share: Double?)] {
        [
            ("ghostEvictedShare", snapshot.lately?.ghostEvictedShare),
            ("ghostExpiredShare", snapshot.lately?.ghostExpiredShare),
        ]
    }

    /// Over how long those were counted: ten minutes, or since the bounds were changed; `nil` where
    /// it is not known.
    public var ghostWindow: Duration? { snapshot.lately.map { snapshot.at - $0.since } }
}

extension EngineReport {
    /// The most fetched keys of all caches, each with its cache, the most fetched first.
    public var fetchedMost: [(cache: String, row: FetchedRow)] {
        caches.flatMap { cache in cache.mostFetched.map { (cache: cache.name, row: $0) } }
            .sorted { ($0.row.fetches, $0.row.failures) > ($1.row.fetches, $1.row.failures) }
    }
}

extension FetchedRow {
    /// Why its last failed fetch failed; empty where none failed.
    public var why: String {
        guard let kind else { return reason ?? "" }
        guard let reason, reason != kind.word else { return kind.word }
        // A reason may begin with the kind itself.
        return reason.hasPrefix(kind.word + ": ") ? reason : "\(kind.word): \(reason)"
    }
}

extension FailureKind {
    /// What a figure of its failures is called: `failedThrottled`; `absent` is not a failure.
    package var figureName: String {
        self == .absent
            ? rawValue : "failed" + rawValue.prefix(1).uppercased() + rawValue.dropFirst()
    }
}

/// One part of the memory of an engine's process.
public struct MemoryPart: Hashable, Sendable {
    /// What takes the memory.
    public enum What: String, Hashable, Sendable, CaseIterable {
        /// `CacheSnapshot.bytes` of all caches.
        case entries
        /// What was removed, and can be put back for a while.
        case undo
        /// `CacheSnapshot.recordBytes` of all caches; ``ProcessMemory/mapped``; what is resident
        /// beside all of these.
        case record, program, rest

        /// What it is, in a sentence's part.
        public var about: String {
            switch self {
            case .entries: "the entries held"
            case .undo: "what can be put back"
            case .record: "samples and events of the last hour"
            case .program:
                "code of the program and its libraries, read from files"
            case .rest:
                "the service's own: nobody tells the engine what the heap beside its entries is for"
            }
        }
    }

    /// What takes it.
    public var what: What
    /// `nil` where it is not known.
    public var bytes: Int?
}

extension EngineReport {
    /// What takes the process's memory: the same in the console and in commands. Of what can be put
    /// back, and of the program, there may be nothing to tell.
    public var memoryParts: [MemoryPart] {
        func sum(_ bytes: (CacheSnapshot) -> Int) -> Int {
            caches.reduce(0) { $0 + bytes($1.snapshot) }
        }
        let (held, undoable) = (sum(\.bytes), sum(\.undoableBytes))
        let record = sum(\.recordBytes)
        var parts = [MemoryPart(what: .entries, bytes: held)]
        if undoable > 0 { parts.append(MemoryPart(what: .undo, bytes: undoable)) }
        parts.append(MemoryPart(what: .record, bytes: record))
        if let mapped = memory.mapped { parts.append(MemoryPart(what: .program, bytes: mapped)) }
        let rest = memory.resident.map {
            max(0, $0 - held - undoable - record - (memory.mapped ?? 0))
        }
        return parts + [MemoryPart(what: .rest, bytes: rest)]
    }
}
