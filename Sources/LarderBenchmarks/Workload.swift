/// What is looked up: a value as an account's item is once it is decoded.
struct Account: Sendable {
    var name: String
    var credit: Int
    var isOpen: Bool

    init(_ number: Int) {
        // Over 15 bytes, so that the text is on the heap and handing out a value counts it.
        name = "Account \(100_000_000_000 + number)"
        credit = number
        isOpen = true
    }
}

/// The numbers that every contestant draws, in whichever language it is written.
struct Draw {
    private var state: UInt64 = 1

    mutating func next(below bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
}

/// Keys, and the order in which they are visited: drawn before anything is measured, uniformly,
/// and the same for all contestants.
struct Visits: Sendable {
    /// Account numbers, as AWS writes them.
    let keys: [String]
    /// Places in `keys`; of a mixed workload, the complement of a place is a write.
    let order: [Int32]

    /// - Parameter writes: Every so many visits is a write; 0 for none.
    init(keys count: Int, writes: Int = 0) {
        keys = (0..<count).map { String(100_000_000_000 + $0) }
        var draw = Draw()
        order = (1...max(1 << 16, 4 * count)).map { number in
            let place = Int32(draw.next(below: count))
            return writes > 0 && number % writes == 0 ? ~place : place
        }
    }

    /// Where one of several workers begins, so that no two go side by side.
    func start(of worker: Int, of workers: Int) -> Int { order.count / workers * worker }
}
