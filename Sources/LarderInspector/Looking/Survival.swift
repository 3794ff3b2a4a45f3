import FoundationEssentials
import Glibc
import Larder

/// How likely an entry is to be still there at an age: most of those that have an end never reach
/// it, because they are evicted first.
///
/// It is the estimate of Kaplan and Meier (1958), over the ages at which entries left so far and the
/// ages of those that are held: of all that were still there at an age, so many were evicted before
/// the next. Ages are known to a power of two; within one of these the risk is taken as even.
struct Survival {
    /// By the power of two of microseconds.
    private var evicted: [Double]
    private var left: [Double]
    private var held: [Double]
    /// The negative logarithm of the share that is there still where each power of two begins.
    private var risk: [Double] = []

    private static let powers = 65

    init(_ ages: [RemovalCause: Histogram]) {
        func counts(_ causes: [RemovalCause]) -> [Double] {
            var counts = Array(repeating: 0.0, count: Self.powers)
            for cause in causes {
                for (power, count) in (ages[cause]?.buckets ?? []).enumerated() {
                    counts[power] += Double(count)
                }
            }
            return counts
        }
        evicted = counts([.evicted])
        left = counts(RemovalCause.allCases)
        held = counts([])
    }

    /// One of this age is held now.
    mutating func add(held age: Duration) { held[Self.power(age.nanoseconds)] += 1 }

    /// Reckons the risks, once all are known.
    mutating func settle() {
        var there = zip(left, held).reduce(0) { $0 + $1.0 + $1.1 }
        var sum = 0.0
        risk = []
        for power in 0..<Self.powers {
            risk.append(sum)
            // Those that are held have been through about half of it.
            let exposed = max(there - held[power] / 2, evicted[power])
            if evicted[power] > 0 {
                sum -= log((exposed - evicted[power] + 0.5) / (exposed + 0.5))
            }
            there -= left[power] + held[power]
        }
        risk.append(sum)
    }

    /// The share of those that are there at one age that are still there at a later one.
    func share(from age: Duration, to end: Duration) -> Double {
        exp(risk(until: age) - max(risk(until: end), risk(until: age)))
    }

    private func risk(until age: Duration) -> Double {
        let power = Self.power(age.nanoseconds)
        // From 2^(power - 1) up to 2^power microseconds.
        let first = power == 0 ? 0 : pow(2, Double(power - 1))
        let last = pow(2, Double(power))
        let passed = (max(0, Double(age.nanoseconds) / 1000) - first) / (last - first)
        return risk[power] + (risk[power + 1] - risk[power]) * min(max(passed, 0), 1)
    }

    private static func power(_ nanoseconds: Int64) -> Int {
        64 - (UInt64(max(0, nanoseconds)) / 1000).leadingZeroBitCount
    }
}
