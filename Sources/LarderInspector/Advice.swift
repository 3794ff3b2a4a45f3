public import Larder

/// Which knob of a cache to turn, and why.
public struct Advice: Hashable, Sendable {
    public enum Knob: String, Hashable, Sendable, CaseIterable {
        case maxsize, ttl, policy
    }

    public var knob: Knob
    /// Of the misses, or for the policy of what left.
    public var share: Double
    public var sentence: String

    /// Which knob to turn in sentences, and where it is none, why not.
    public static func sentences(on snapshot: Snapshot) -> [String] {
        let all = of(snapshot)
        guard all.isEmpty else { return all.map(\.sentence) }
        let counters = snapshot.counters
        guard counters.misses >= 50 else {
            return [
                "\(Units.counted(Int(clamping: counters.misses), "miss", "misses")): too few to say "
                    + "which bound to raise"
            ]
        }
        let regrets = counters.regretEvicted &+ counters.regretExpired
        let share = Double(regrets) / Double(counters.misses)
        return [
            "no bound is short: \(Units.text(share * 100, digits: 1))% of the misses were for keys "
                + "that left within the minute before"
        ]
    }

    /// What the counts of a cache say, the weightiest first; nothing before there are fifty of them.
    public static func of(_ snapshot: Snapshot) -> [Advice] {
        let counters = snapshot.counters
        let bounds = snapshot.configuration
        func percent(_ share: Double) -> String { Units.text(share * 100, digits: 1) + "%" }
        var all: [Advice] = []
        let regrets: [(Knob, UInt64, String, String)] = [
            (.maxsize, counters.regretEvicted, "were evicted", Units.text(maxsize: bounds.maxsize)),
            (.ttl, counters.regretExpired, "expired", Units.text(ttl: bounds.ttl)),
        ]
        for (knob, regret, fate, now) in regrets where counters.misses >= 50 {
            let share = Double(regret) / Double(counters.misses)
            guard share >= 0.05 else { continue }
            all.append(
                Advice(
                    knob: knob, share: share,
                    sentence:
                        "\(percent(share)) of the misses were for keys that \(fate) within the "
                        + "minute before: raise \(knob.rawValue), now \(now)"))
        }
        all.sort { $0.share > $1.share }
        let gone = counters.evicted + counters.expired
        let unused = Double(counters.unused) / Double(max(1, gone))
        if gone >= 50, unused >= 0.5, bounds.policy != .tinylfu {
            all.append(
                Advice(
                    knob: .policy, share: unused,
                    sentence:
                        "\(percent(unused)) of what left was never hit: policy tinylfu may keep "
                        + "such keys out"))
        }
        return all
    }
}
