import Larder

extension Verification {
    /// Whether callers are told what the origin would say.
    public enum Verdict: String, Hashable, Sendable, Codable, CaseIterable {
        case agrees, differs
        /// The origin could not be asked, or there is nothing to compare with it.
        case unknown
    }

    public var verdict: Verdict { agrees.map { $0 ? .agrees : .differs } ?? .unknown }
}

extension Row {
    /// Whether it says that the origin has no such thing.
    public var isRefusal: Bool { !isHeld && renewal?.trouble?.kind == .absent }
}

/// A key that was fetched lately: how often, how often in vain, and why.
public struct KeyFetches: Hashable, Sendable {
    public var cache: String
    public var key: String
    public var fetches = 0
    public var failures = 0
    /// Why the last one failed; `nil` where none did.
    public var reason: String?

    /// What events say, the key that was fetched most first.
    public static func of(_ events: [LoggedEvent]) -> [KeyFetches] {
        var all: [EntryKey: KeyFetches] = [:]
        func count(_ event: LoggedEvent, _ key: String, _ reason: String?) {
            let id = EntryKey(cache: event.cache, key: key)
            var known = all[id] ?? KeyFetches(cache: event.cache, key: key)
            known.fetches += 1
            if let reason {
                known.failures += 1
                known.reason = reason
            }
            all[id] = known
        }
        for event in events {
            guard let key = event.key else { continue }
            switch event.kind {
            // What was put there by hand was not fetched.
            case .written(_, .some, _): count(event, key, nil)
            case .failed(_, let reason): count(event, key, reason)
            default: break
            }
        }
        return all.values.sorted {
            ($1.fetches, $1.failures, $0.cache, $0.key) < (
                $0.fetches, $0.failures, $1.cache, $1.key
            )
        }
    }
}
