import Foundation

/// Numbers 0..<count of which the k-th comes up in proportion to 1 / (k + 1)^s: how callers ask
/// for keys. Drawn from the table of cumulated weights by bisection; 8 bytes a number.
public struct Zipf: Sendable {
    private let cumulated: [Double]

    /// Adds up the weights, in time and memory in proportion to `count`, which is 1 or more.
    ///
    /// - Parameter s: The exponent: 0 for all alike; the larger, the more of the draws go to the
    ///   first.
    public init(count: Int, s: Double = 0.99) {
        precondition(count > 0, "there is nothing to draw from")
        var sum = 0.0
        cumulated = (1...count).map { rank in
            sum += pow(Double(rank), -s)
            return sum
        }
    }

    /// The next number, in time in proportion to the logarithm of the count.
    public func draw(using random: inout some RandomNumberGenerator) -> Int {
        let target = Double.random(in: 0..<cumulated.last!, using: &random)
        var (low, high) = (0, cumulated.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if cumulated[middle] > target { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The same, with the system's own generator.
    public func draw() -> Int {
        var random = SystemRandomNumberGenerator()
        return draw(using: &random)
    }

    /// The share of draws that are `number`.
    public func probability(of number: Int) -> Double {
        (cumulated[number] - (number > 0 ? cumulated[number - 1] : 0)) / cumulated.last!
    }
}
