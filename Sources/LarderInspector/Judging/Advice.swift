public import Larder

/// Which knob of a cache to turn, and why: by what was counted of late, under the bounds that it has
/// now.
public struct Advice: Hashable, Sendable {
    /// What can be turned.
    public enum Knob: String, Hashable, Sendable, CaseIterable {
        /// Each is what `CacheConfiguration` calls so.
        case maxsize, maxbytes, ttl, policy
    }

    /// Which one to turn.
    public var knob: Knob
    /// The share of the misses, or for the policy of the entries that left, 0...1.
    public var share: Double
    /// Over how long that share was counted.
    public var window: Duration
    /// What to turn and why, in a sentence that names that time.
    public var sentence: String

    /// So many misses or departures are enough for advice.
    private static let enough: UInt64 = 50

    /// Which knobs to turn, a sentence each; where there is none to turn, why not.
    public static func sentences(on snapshot: CacheSnapshot) -> [String] {
        let off = snapshot.configuration.off
        guard off.isEmpty else {
            let names = off.joined(separator: " and ")
            return ["\(names) \(off.count == 1 ? "is" : "are") off: every look-up fetches"]
        }
        let all = [failing(snapshot)].compactMap(\.self) + of(snapshot).map(\.sentence)
        guard all.isEmpty else { return all }
        guard let lately = snapshot.lately else {
            return ["nobody looked of late: nothing is known to say which bound to raise by"]
        }
        let window = words(snapshot.at - lately.since)
        guard lately.misses >= enough else {
            return [
                "\(Units.counted(Int(clamping: lately.misses), "miss", "misses")) in the last "
                    + "\(window): too few to say which bound to raise"
            ]
        }
        let ghosts = knobs(snapshot).reduce(0) { $0 + lately[keyPath: $1.ghosts] }
        return [
            "no bound is short: \(Format.percent(Double(ghosts) / Double(lately.misses))) of the misses "
                + "of the last \(window) were for keys that left within the minute before"
        ]
    }

    /// So many failures a minute, and such a share of the fetches, are not passed over.
    private static let (failures, failing) = (10 as UInt64, 0.2)

    /// That fetches fail, which no bound mends, and how; `nil` where few do.
    public static func failing(_ snapshot: CacheSnapshot) -> String? {
        let kinds = FailureKind.allCases.filter { $0 != .absent }
            .map { ($0.word, snapshot.failuresLately[$0]) }.filter { $0.1 > 0 }
        let failed = kinds.reduce(0) { $0 &+ $1.1 }
        let minutes = snapshot.lately.map { max(1, (snapshot.at - $0.since).inSeconds / 60) }
        let fetches = Double(snapshot.lately?.misses ?? 0) / (minutes ?? 1)
        guard failed >= failures, Double(failed) >= failing * fetches else { return nil }
        let words = kinds.map { "\($0.0) \(Format.count($0.1))" }.joined(separator: ", ")
        return
            "\(Format.count(failed)) fetches of the last minute failed (\(words)): no bound mends that; "
            + "see why among the origins first"
    }

    /// What the counts of a cache say, the weightiest first; nothing where they are few, and nothing
    /// of a bound that is not set or keeps nothing.
    public static func of(_ snapshot: CacheSnapshot) -> [Advice] {
        guard let lately = snapshot.lately, !snapshot.configuration.keepsNothing else { return [] }
        let window = snapshot.at - lately.since
        let bounds: [Advice] = knobs(snapshot).compactMap { knob in
            let share = Double(lately[keyPath: knob.ghosts]) / Double(max(1, lately.misses))
            guard lately.misses >= enough, share >= 0.05 else { return nil }
            return Advice(
                knob: knob.knob, share: share, window: window,
                sentence:
                    "\(Format.percent(share)) of the misses of the last \(words(window)) were for keys "
                    + "that \(knob.fate) within the minute before: raise \(knob.knob.rawValue), now "
                    + knob.now)
        }
        return bounds.sorted { $0.share > $1.share } + ofPolicy(snapshot, lately, window)
    }

    /// Advises a policy that keeps keys out, where entries are evicted and few were hit.
    private static func ofPolicy(
        _ snapshot: CacheSnapshot, _ lately: Lately, _ window: Duration
    ) -> [Advice] {
        let share = Double(lately.unused) / Double(max(1, lately.left))
        guard lately.evicted >= enough, share >= 0.5, snapshot.configuration.policy != .tinylfu
        else { return [] }
        return [
            Advice(
                knob: .policy, share: share, window: window,
                sentence:
                    "\(Format.percent(share)) of what left in the last \(words(window)) was never hit: "
                    + "policy tinylfu may keep such keys out")
        ]
    }

    /// The bounds that can be raised, what tells that they are short, and what they are.
    private static func knobs(
        _ snapshot: CacheSnapshot
    ) -> [(knob: Knob, ghosts: KeyPath<Lately, UInt64>, fate: String, now: String)] {
        let bounds = snapshot.configuration
        return [
            room(snapshot).map { ($0.knob, \Lately.ghostEvicted, "were evicted", $0.now) },
            // Without a ttl entries end when their values do.
            bounds.ttl.map { (.ttl, \Lately.ghostExpired, "expired", Units.text(ttl: $0)) },
        ].compactMap(\.self)
    }

    /// The bound for which entries are evicted: the one of which more is used.
    private static func room(_ snapshot: CacheSnapshot) -> (knob: Knob, now: String)? {
        let bounds = snapshot.configuration
        func used(_ held: Int, _ most: Int?) -> Double? {
            most.map { Double(held) / Double(max(1, $0)) }
        }
        let entries = used(snapshot.count, bounds.maxsize)
        let bytes = used(snapshot.bytes, bounds.maxbytes)
        guard entries != nil || bytes != nil else { return nil }
        return entries ?? -1 >= bytes ?? -1
            ? (.maxsize, Units.text(maxsize: bounds.maxsize))
            : (.maxbytes, Units.words(bytes: bounds.maxbytes ?? 0))
    }

    /// The ten minutes lie between two readings a few seconds apart.
    package static func words(_ window: Duration) -> String {
        window >= Lately.longest - .seconds(10)
            ? Units.text(Lately.longest) : Format.age(max(.seconds(1), window))
    }
}

extension CacheConfiguration {
    /// The bounds that keep nothing.
    fileprivate var off: [String] {
        [("maxsize", maxsize == 0), ("maxbytes", maxbytes == 0), ("ttl", ttl == .zero)]
            .filter(\.1).map(\.0)
    }

    /// Whether nothing is kept, for a bound that is off.
    package var keepsNothing: Bool { !off.isEmpty }
}
