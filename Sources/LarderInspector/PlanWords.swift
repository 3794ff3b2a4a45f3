import Larder

// What a plan would do, in words: the same in the console and in commands.

extension Plan {
    /// What goes, or else what becomes of what stays: `1 entry, 276 bytes`, `no entry goes; 64 held
    /// now end up to 4m15s earlier`.
    ///
    /// - Parameter held: How many entries the cache holds whose bounds change, where that is known.
    public func effect(held: Int? = nil) -> String {
        let counted = Units.counted(entries, "entry", "entries")
        let goes =
            entries == 0 ? "no entry" : "\(counted), \(Units.words(bytes: bytes)),"
        switch change {
        case .soften:
            return entries == 0
                ? "no entry is marked as stale"
                : "\(counted), \(Units.words(bytes: bytes)), served until a fetch for each has landed"
        case .configure(_, let new):
            let stays = before.flatMap { new.effect(from: $0, on: held.map { $0 - entries }) }
            return "\(goes) \(entries > 1 ? "go" : "goes")" + (stays.map { "; \($0)" } ?? "")
        case .invalidate, .invalidateAll, .all:
            return "\(goes) \(entries > 1 ? "go" : "goes")"
        }
    }

    /// The fetches to come; `nil` where there are none to speak of.
    public var cost: String? {
        var parts: [String] = []
        if entries > 0 {
            parts.append(
                "\(Units.counted(fetches, "fetch", "fetches")) to have them back within a minute")
        }
        if let perMinute {
            parts.append("then about \(Units.counted(perMinute, "fetch", "fetches")) a minute")
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// Over how long what goes is to be spread, so that fetches stay within so many a second; `nil`
    /// where they do by themselves.
    public func spread(within budget: Double) -> Duration? {
        let seconds = (Double(fetches) / budget).rounded(.up)
        return seconds > 1 ? .seconds(clamping: seconds) : nil
    }
}

extension Configuration {
    /// What other bounds mean for the entries that stay; `nil` where that is nothing.
    func effect(from old: Configuration, on staying: Int?) -> String? {
        guard staying != 0 else { return nil }
        let those = staying.map { "\($0) held now" } ?? "those held now"
        var parts: [String] = []
        func end(_ words: String) {
            parts.append("\(those) \(staying == 1 ? "ends" : "end") \(words)")
        }
        switch (old.ttl, ttl) {
        case (let old?, let new?) where new < old: end("up to \(Units.text(old - new)) earlier")
        case (let old?, let new?) where new > old: end("up to \(Units.text(new - old)) later")
        case (nil, let new?): end("\(Units.text(new)) after they were written, at the latest")
        case (_?, nil): end("only by an expiry of their own")
        default: break
        }
        if old.policy != policy {
            parts.append("who goes first is decided by \(policy) from now on")
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}
