public import Larder

extension CacheConfiguration {
    /// What other bounds do beside what they remove, a sentence each: a plan that removes nothing
    /// does something all the same.
    ///
    /// - Parameter held: How many entries stay.
    public func consequences(from old: CacheConfiguration, held: Int) -> [String] {
        [
            ofMaxsize(old, held), ofMaxbytes(old), ofTTL(old, held), ofJitter(old),
            ofPolicy(old), ofStale(old), ofNegative(old),
        ].compactMap(\.self)
    }

    private func ofMaxsize(_ old: CacheConfiguration, _ held: Int) -> String? {
        guard maxsize != old.maxsize else { return nil }
        switch (old.maxsize, maxsize) {
        case (_, nil): return "No number of entries is too many from now on."
        case (_, 0?): return "Nothing is kept from now on: every look-up fetches."
        case (let before?, let now?) where now > before:
            return "There is room for \(Self.entries(now - before, "more")) from now on."
        case (_, let now?):
            return "At most \(Self.entries(now)) \(now == 1 ? "is" : "are") held from now on."
        }
    }

    private func ofMaxbytes(_ old: CacheConfiguration) -> String? {
        guard maxbytes != old.maxbytes else { return nil }
        guard let maxbytes else { return "No number of bytes is too many from now on." }
        return maxbytes == 0
            ? "Nothing is kept from now on: every look-up fetches."
            : "At most \(Units.words(bytes: maxbytes)) is held from now on."
    }

    private func ofTTL(_ old: CacheConfiguration, _ held: Int) -> String? {
        guard ttl != old.ttl else { return nil }
        if ttl == .zero { return "Nothing is kept from now on: every look-up fetches." }
        guard held > 0 else { return "It is for what is written from now on." }
        let (who, end, have) = (
            "\(held) held now", held == 1 ? "ends" : "end", held == 1 ? "has" : "have"
        )
        switch (old.ttl, ttl) {
        case (_, nil): return "\(who) \(have) no end any more but what the values have themselves."
        case (let before?, let now?) where now < before:
            return "\(who) \(end) up to \(Units.text(before - now)) earlier."
        case (let before?, let now?):
            return "\(who) \(end) up to \(Units.text(now - before)) later."
        case (nil, let now?):
            return "\(who) \(end) \(Units.text(now)) after the write at the latest."
        }
    }

    private func ofJitter(_ old: CacheConfiguration) -> String? {
        guard jitter != old.jitter else { return nil }
        return jitter == 0
            ? "What was written at one time ends at one time."
            : "Lives differ: each is up to \(Format.percent(jitter)) of the ttl shorter."
    }

    private func ofPolicy(_ old: CacheConfiguration) -> String? {
        policy == old.policy ? nil : "\(policy) names what is evicted from now on."
    }

    private func ofStale(_ old: CacheConfiguration) -> String? {
        guard staleIfError != old.staleIfError else { return nil }
        return staleIfError == .zero
            ? "Nothing is served past its end any more, even if its fetch fails."
            : "What has ended is served for \(Units.text(staleIfError)) more if its fetch fails."
    }

    private func ofNegative(_ old: CacheConfiguration) -> String? {
        guard negativeTTL != old.negativeTTL else { return nil }
        return negativeTTL == .zero
            ? "That something is missing is not remembered any more."
            : "That something is missing is remembered for \(Units.text(negativeTTL))."
    }

    private static func entries(_ count: Int, _ more: String = "") -> String {
        let word = count == 1 ? "entry" : "entries"
        return "\(count) \(more.isEmpty ? "" : more + " ")\(word)"
    }
}
