public import Larder

extension EntryRow {
    /// An entry's state in one word; color may repeat it, never replace it.
    public enum State: String, Hashable, Sendable, Codable, CaseIterable {
        /// Past its deadline and not yet swept, or kept in case fetches fail.
        case expired
        /// Served though it is past its end, because fetches fail, or though it is marked as stale.
        case stale
        /// The last fetch failed, and none is under way; what is held is not past its end.
        case failed
        /// So near its end that all callers wait for a fetch, which has not come yet.
        case thin
        /// The origin has no such thing: that is remembered, and no entry held.
        case negative
        /// Being refreshed.
        case refreshing
        /// In the last tenth of its life.
        case expiring
        /// Never hit since it was written.
        case cold
        /// Nothing of all this.
        case fresh
    }

    /// How it is at `now`. Where several are true it is the first of stale, failed or negative,
    /// refreshing, expired, thin, expiring, cold.
    public func state(at now: AgeInstant) -> State {
        State(facts, refresh, at: now)
    }

    /// Since when it is stale, failed or negative, as far as that is known: since its end, or since
    /// the first of the fetches failed that have failed in a row.
    public func troubleBegan(at now: AgeInstant) -> AgeInstant? {
        switch state(at: now) {
        case .stale: deadline.flatMap { $0 <= now ? $0 : nil }
        case .failed, .negative: refresh?.trouble?.since
        case .expired, .thin, .refreshing, .expiring, .cold, .fresh: nil
        }
    }

    /// Its state for people, and for how long: `stale 11m04s`, in brief `stale 11m`.
    package func stateWords(at now: AgeInstant, isBrief: Bool = false) -> String {
        let word = state(at: now).rawValue
        guard let began = troubleBegan(at: now) else { return word }
        let age = Format.age(now - began)
        return word + " " + (isBrief ? Format.largestUnit(age) : age)
    }
}

extension EntryRow.State {
    init(_ facts: EntryFacts, _ refresh: RefreshFacts?, at now: AgeInstant) {
        let deadline = facts.deadline == .distantFuture ? nil : facts.deadline
        if facts.isServedStale(refresh, at: now) {
            self = .stale
        } else if let trouble = refresh?.trouble, facts.shows(trouble, refresh, at: now) {
            self = trouble.kind == .absent ? .negative : .failed
        } else if refresh?.isFetching == true {
            self = .refreshing
        } else if let deadline, deadline <= now {
            self = .expired
        } else if let mandatory = refresh?.mandatory, mandatory <= now, mandatory != deadline {
            self = .thin
        } else if let deadline, deadline - now < (deadline - facts.writtenAt) / 10 {
            self = .expiring
        } else {
            self = facts.hits == 0 ? .cold : .fresh
        }
    }

    /// The most urgent first.
    var rank: Int64 { Int64(Self.allCases.firstIndex(of: self)!) }
}

extension EntryFacts {
    /// While the next try waits; and of what is held until another fetch is under way, so that one
    /// that failed is not taken for well between two tries.
    fileprivate func shows(
        _ trouble: Trouble, _ refresh: RefreshFacts?, at now: AgeInstant
    ) -> Bool {
        if now < trouble.until { return true }
        return refresh?.isFetching != true && (version == 0 || trouble.kind != .absent)
    }

    /// Marked, and not past its end; or past it, while its fetches fail. Without a failure, what is
    /// past its end is not served, but fetched again.
    fileprivate func isServedStale(_ refresh: RefreshFacts?, at now: AgeInstant) -> Bool {
        guard version > 0 else { return false }
        guard deadline <= now else { return isStale }
        return !isStale && refresh?.trouble.map { $0.kind != .absent } ?? false
    }
}
