// How fast the origin changes its values, from what refetches find.
//
// A refetch does not tell when a value has changed, only whether it has since the fetch before: an
// observation that is censored from both sides. Where a value changes by a Poisson process of rate
// r, one of age a is found changed with probability 1 - exp(-r a). The most likely r makes the
// product of those probabilities over all refetches the largest; there is one such r, found by
// halving. The 95 % bar has all rates that the likelihood-ratio test does not refuse. Where not a
// single value had changed, and where all had, the test's approximation does not hold: there the bar
// ends where what was seen would happen in one of twenty cases ("rule of three").

/// Refetches by the age of the value that they found, counted as changed or not.
struct ChangeSamples: Sendable {
    private var changed: [UInt32] = []
    private var unchanged: [UInt32] = []
    /// Of both kinds, in seconds.
    private var ages: [Double] = []

    /// All counts halve beyond so many, so that a rate of long ago is forgotten.
    private static let most = 1 << 14

    /// Makes room for samples; nothing may grow under a lock.
    mutating func prepare() {
        guard ages.isEmpty else { return }
        changed = Array(repeating: 0, count: AgeBuckets.count)
        unchanged = changed
        ages = Array(repeating: 0, count: AgeBuckets.count)
    }

    mutating func add(age: Int64, isChanged: Bool) {
        guard age > 0, !ages.isEmpty else { return }
        let bucket = AgeBuckets.bucket(age)
        if isChanged { changed[bucket] += 1 } else { unchanged[bucket] += 1 }
        ages[bucket] += Double(age) / 1e9
        total += 1
        if total >= Self.most { halve() }
    }

    private var total = 0

    /// The bytes of it at most, and those that are taken by now.
    static let bytes = AgeBuckets.count * (4 + 4 + 8)
    var takes: Int { changed.count * 8 + ages.count * 8 }

    private mutating func halve() {
        total = 0
        for bucket in ages.indices where ages[bucket] > 0 {
            let before = changed[bucket] + unchanged[bucket]
            changed[bucket] /= 2
            unchanged[bucket] /= 2
            let after = changed[bucket] + unchanged[bucket]
            ages[bucket] *= Double(after) / Double(before)
            total += Int(after)
        }
    }

    /// What follows from the samples.
    var rate: ChangeRate {
        var groups: [Group] = []
        for bucket in ages.indices where changed[bucket] + unchanged[bucket] > 0 {
            let (changed, unchanged) = (Double(changed[bucket]), Double(unchanged[bucket]))
            groups.append(
                Group(
                    age: ages[bucket] / (changed + unchanged), changed: changed,
                    unchanged: unchanged))
        }
        return Self.rate(of: groups)
    }

    /// Refetches that found values of about one age, in seconds.
    struct Group {
        var age: Double
        var changed: Double
        var unchanged: Double
    }

    static func rate(of groups: [Group]) -> ChangeRate {
        let changed = groups.reduce(0) { $0 + $1.changed }
        let compared = changed + groups.reduce(0) { $0 + $1.unchanged }
        guard compared > 0 else { return ChangeRate() }
        var rate = ChangeRate(compared: Int(compared), changed: Int(changed))
        let rare = Maths.log(0.05)
        if changed == 0 {
            let time = groups.reduce(0) { $0 + $1.age * $1.unchanged }
            (rate.perSecond, rate.most) = (0, -rare / time)
        } else if changed == compared {
            rate.least = root(below: 1e12) { likelihood($0, groups) > rare }
        } else {
            let likeliest = root(below: 1e12) { slope($0, groups) < 0 }
            let least = likelihood(likeliest, groups) - 3.841 / 2
            rate.perSecond = likeliest
            rate.least = root(below: likeliest) { likelihood($0, groups) > least }
            rate.most = root(from: likeliest, below: 1e12) { likelihood($0, groups) < least }
        }
        return rate
    }

    /// The logarithm of the probability of what was seen, at a rate of changes.
    private static func likelihood(_ rate: Double, _ groups: [Group]) -> Double {
        groups.reduce(0) { sum, group in
            let kept = Maths.exp(-rate * group.age)
            let found = group.changed > 0 ? group.changed * Maths.log(1 - kept) : 0
            return sum + found - group.unchanged * rate * group.age
        }
    }

    /// How it grows with the rate.
    private static func slope(_ rate: Double, _ groups: [Group]) -> Double {
        groups.reduce(0) { sum, group in
            let kept = Maths.exp(-rate * group.age)
            let found = kept < 1 ? group.changed * group.age * kept / (1 - kept) : .infinity
            return sum + (group.changed > 0 ? found : 0) - group.unchanged * group.age
        }
    }

    /// The least rate at which `isBeyond` holds, which holds from there on.
    private static func root(
        from least: Double = 1e-15, below most: Double, _ isBeyond: (Double) -> Bool
    ) -> Double {
        var (low, high) = (Maths.log(least), Maths.log(most))
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if isBeyond(Maths.exp(middle)) { high = middle } else { low = middle }
        }
        return Maths.exp(high)
    }
}

/// Ages by powers of two of a microsecond, each in four.
enum AgeBuckets {
    static let count = 256

    static func bucket(_ nanoseconds: Int64) -> Int {
        let microseconds = UInt64(max(4000, nanoseconds)) / 1000
        let power = 63 - microseconds.leadingZeroBitCount
        return power << 2 | Int(microseconds >> UInt64(power - 2) & 3)
    }

    /// The middle of a bucket, in seconds.
    static func seconds(_ bucket: Int) -> Double {
        let step = Double(UInt64(1) << UInt64(max(0, bucket >> 2 - 2)))
        return step * (Double(4 + bucket & 3) + 0.5) / 1e6
    }
}

/// What the last fetch of some keys brought, by 32 bits of their hash: the next is compared with
/// it. A key's place may be taken by another; the same one of both stays, so that of many keys a
/// steady sample is followed.
struct Fingerprints: ~Copyable {
    private var prints = SlotColumn(Print(), capacity: 1)
    private var hasRoom = false
    private static let places: UInt32 = 4096
    /// Who was not fetched for so long gives way, in nanoseconds.
    private static let hour: Int64 = 3_600_000_000_000

    private struct Print: BitwiseCopyable {
        var mark: UInt32 = 0
        var print: UInt32 = 0
        var at: Int64 = .min
    }

    /// The bytes of them at most, and those that are taken by now.
    static let bytes = Int(places) * MemoryLayout<Print>.stride
    var takes: Int { hasRoom ? prints.capacity * MemoryLayout<Print>.stride : 0 }

    private static func place(of mark: UInt32) -> UInt32 { (mark ^ mark >> 15) & (places - 1) }

    /// What was fetched until then is not compared with anything.
    private var forgottenAt = Int64.min
    mutating func forgetAll(at now: Int64) { forgottenAt = now }

    /// What is fetched next is not to be compared with what was fetched before.
    mutating func forget(_ mark: UInt32) {
        guard hasRoom, prints[Self.place(of: mark)].mark == mark else { return }
        prints[Self.place(of: mark)].at = .min
    }

    /// Keeps what a fetch brought; returns the age of the value before and whether it was another.
    mutating func compare(
        _ mark: UInt32, _ value: UInt64, at now: Int64
    ) -> (age: Int64, isChanged: Bool)? {
        if !hasRoom {
            prints.reserve(Self.places - 1)
            hasRoom = true
        }
        let place = Self.place(of: mark)
        let before = prints[place]
        let print = UInt32(truncatingIfNeeded: value ^ value >> 32)
        if before.at != .min, before.mark != mark, before.mark < mark,
            now &- before.at < Self.hour
        {
            return nil
        }
        prints[place] = Print(mark: mark, print: print, at: now)
        guard before.at != .min, before.at >= forgottenAt, before.mark == mark else { return nil }
        return (now &- before.at, before.print != print)
    }
}
