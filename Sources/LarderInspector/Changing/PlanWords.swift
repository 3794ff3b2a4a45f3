package import Larder

// What a plan would do, in words: the same in the console and in commands.

extension Plan {
    /// What goes: `1 entry, 276 B, goes`, `no entry goes`. What else other bounds do is said by
    /// ``consequences(held:)``.
    public var effect: String { effect("") }

    /// The same, with what part of a cache that is: `16 entries, 4.3 KiB, 25% of accounts, go`.
    package func effect(_ share: String) -> String {
        guard entries > 0 else {
            return change.isSoft ? "no entry is marked as stale" : "no entry goes"
        }
        return change.isSoft
            ? held(entries, share)
                + "served until a fetch for \(entries == 1 ? "it" : "each") has landed"
            : going(entries, share)
    }

    /// The effect on so many entries, failures left out: `1 entry, 276 B, goes`.
    package func going(_ count: Int, _ share: String) -> String {
        held(count, share) + (count == 1 ? "goes" : "go")
    }

    private func held(_ count: Int, _ share: String) -> String {
        "\(Units.counted(count, "entry", "entries")), \(Units.words(bytes: bytes)), "
            + (share.isEmpty ? "" : "\(share), ")
    }

    /// What other bounds do to what stays, a sentence each.
    ///
    /// - Parameter held: How many entries the cache holds.
    public func consequences(held: Int) -> [String] {
        guard case .configure(_, let new) = change, let before else { return [] }
        return new.consequences(from: before, held: max(0, held - entries))
    }

    /// The fetches to come; `nil` where there are none to speak of.
    public var cost: String? {
        var parts: [String] = []
        if entries > 0, !keepsNothing {
            parts.append(
                "\(Units.counted(fetches, "fetch", "fetches")) to have "
                    + "\(entries == 1 ? "it" : "them") back within a minute")
        }
        // What is foreseen says it better.
        if foreseen == nil, let perMinute {
            parts.append(
                "then about \(Units.counted(perMinute, "fetch", "fetches")) a minute for what is "
                    + "held; what is missed today comes on top")
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// How many entries go of which cache; failures are none.
    package var byCache: [String: Int] {
        switch change {
        case .invalidateAll(let cache), .configure(let cache, _):
            return [cache: entries - failures]
        case .invalidate(let seen), .soften(let seen):
            let left = Set(skipped.map(\.id))
            return seen.reduce(into: [:]) { counts, entry in
                let goes = entry.version != 0 && !left.contains(entry.id)
                if goes { counts[entry.id.cache, default: 0] += 1 }
            }
        case .all: return Dictionary(grouping: victims, by: \.id.cache).mapValues { _ in entries }
        }
    }

    /// Fewer fetches at one time are no storm.
    private static let fewest = 20

    /// That what is fetched again at one time ends at one time as well; `nil` where little is, where
    /// lives differ, and where entries have no end.
    ///
    /// - Parameter bounds: Those of a cache, by its name.
    package func echo(
        isSpread: Bool, _ bounds: (String) -> CacheConfiguration?
    ) -> String? {
        guard !isSpread, fetches >= Self.fewest, takesBack == nil, before == nil else { return nil }
        let ttls = byCache.keys.compactMap(bounds).filter { $0.jitter == 0 && $0.ttl != .zero }
            .compactMap(\.ttl)
        guard let ttl = ttls.min() else { return nil }
        return
            "What is fetched again at one time ends at one time, \(Units.text(ttl)) later; a spread, "
            + "or a jitter, keeps that apart."
    }

    /// Whether what goes cannot come back: the bounds to come keep nothing.
    public var keepsNothing: Bool {
        guard takesBack == nil, case .configure(_, let new) = change else { return false }
        return new.keepsNothing
    }

    /// Over how long what goes is to be spread, so that fetches stay within so many a second; `nil`
    /// where they do by themselves.
    public func spread(within budget: Double) -> Duration? {
        let seconds = (Double(fetches) / budget).rounded(.up)
        return seconds > 1 ? .seconds(clamping: seconds) : nil
    }
}
