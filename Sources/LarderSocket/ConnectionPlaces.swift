/// Who has how many connections, as a value: who may come in, and who goes for that.
///
/// A newcomer who finds all places taken gets that of whoever has waited longest without asking for
/// anything: first of those that have never sent a whole request, then of those at rest between two.
/// So those who only hold places keep nobody out. Some places are the owner's and root's alone.
struct ConnectionPlaces {
    typealias ID = UInt64

    /// Most connections of all together.
    let most: Int
    /// Kept for the owner, and as many for root.
    let kept: Int
    /// Most of any other user.
    let mostOfOther: Int
    private let owner: UInt32

    private struct Place {
        var uid: UInt32
        /// Since when it waits for a request; `nil` where one is answered.
        var waitsSince: UInt64?
        var hasAsked = false
    }

    private var places: [ID: Place] = [:]
    private(set) var counts: [UInt32: Int] = [:]
    private var moment: UInt64 = 0

    init(most: Int, owner: UInt32) {
        self.most = most
        self.owner = owner
        kept = min(16, most / 4)
        let rest = most - 2 * kept
        mostOfOther = max(1, rest - rest / 4)
    }

    enum Answer: Equatable {
        case welcome
        /// In the place of another, which is to go.
        case instead(of: ID)
        case full
    }

    mutating func come(_ id: ID, _ uid: UInt32) -> Answer {
        let hasItsShare = !isPrivileged(uid) && counts[uid] ?? 0 >= mostOfOther
        var victim: ID?
        if hasItsShare || !mayTake(uid) {
            victim = longestWaiting { other in
                other == uid
                    || !hasItsShare && !isPrivileged(other)
                        && (isPrivileged(uid) || has(other, more: uid))
            }
            guard let victim else { return .full }
            leave(victim)
        }
        moment += 1
        places[id] = Place(uid: uid, waitsSince: moment)
        counts[uid, default: 0] += 1
        return victim.map { .instead(of: $0) } ?? .welcome
    }

    private func isPrivileged(_ uid: UInt32) -> Bool { uid == owner || uid == 0 }

    /// Whether there is a free place that is kept for nobody else.
    private func mayTake(_ uid: UInt32) -> Bool {
        let keptForOthers = Set([owner, 0]).filter { $0 != uid }
            .reduce(0) { $0 + max(0, kept - (counts[$1] ?? 0)) }
        return most - places.count > keptForOthers
    }

    private func has(_ other: UInt32, more uid: UInt32) -> Bool {
        counts[other] ?? 0 > (counts[uid] ?? 0) + 1
    }

    private func longestWaiting(_ mayGo: (UInt32) -> Bool) -> ID? {
        places.filter { $0.value.waitsSince != nil && mayGo($0.value.uid) }.min { a, b in
            (a.value.hasAsked ? 1 : 0, a.value.waitsSince!)
                < (b.value.hasAsked ? 1 : 0, b.value.waitsSince!)
        }?.key
    }

    /// A whole request has come.
    mutating func ask(_ id: ID) {
        places[id]?.waitsSince = nil
        places[id]?.hasAsked = true
    }

    /// All requests are answered.
    mutating func rest(_ id: ID) {
        moment += 1
        places[id]?.waitsSince = moment
    }

    mutating func leave(_ id: ID) {
        guard let place = places.removeValue(forKey: id) else { return }
        counts[place.uid]! -= 1
        if counts[place.uid] == 0 { counts[place.uid] = nil }
    }
}
