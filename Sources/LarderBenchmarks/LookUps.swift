import Larder
import Synchronization

// Look-ups, in loops that are written once a contestant and never generic. Every loop keeps the
// value it was handed until the next one comes, as a caller does: so none of them can drop the
// value unseen, and each counts one reference up and one down.

/// The peer without a ttl, an order or a bound: a dictionary behind a lock.
final class LockedDictionary: Sendable {
    let entries: Mutex<[String: Account]>

    init(_ keys: [String]) {
        let accounts = keys.enumerated().map { ($1, Account($0)) }
        entries = Mutex(Dictionary(uniqueKeysWithValues: accounts))
    }

    func cached(_ key: String) -> Account? { entries.withLock { $0[key] } }

    func insert(_ account: Account, for key: String) { entries.withLock { $0[key] = account } }
}

/// Goes through the order again and again.
struct Walk {
    private let order: [Int32]
    private var place: Int

    init(_ visits: Visits, from start: Int) { (order, place) = (visits.order, start) }

    mutating func next() -> Int {
        let index = order[place]
        place += 1
        if place == order.count { place = 0 }
        return Int(index)
    }
}

/// One loop: from a place in the order, so many operations; returns the last value.
typealias Loop = @Sendable (_ visits: Visits, _ start: Int, _ count: Int) async throws -> Account

enum Loops {
    private static let missed = LeftOut("a look-up missed where every one has to hit")

    static func hit(_ cache: Cache<String, Account>) -> Loop {
        { visits, start, count in
            var walk = Walk(visits, from: start)
            var held = Account(0)
            for _ in 0..<count { held = try await cache.value(for: visits.keys[walk.next()]) }
            return held
        }
    }

    static func cached(_ cache: Cache<String, Account>) -> Loop {
        { visits, start, count in
            var walk = Walk(visits, from: start)
            var held = Account(0)
            for _ in 0..<count {
                guard let account = cache.cached(visits.keys[walk.next()]) else { throw missed }
                held = account
            }
            return held
        }
    }

    static func cached(_ dictionary: LockedDictionary) -> Loop {
        { visits, start, count in
            var walk = Walk(visits, from: start)
            var held = Account(0)
            for _ in 0..<count {
                guard let account = dictionary.cached(visits.keys[walk.next()])
                else { throw missed }
                held = account
            }
            return held
        }
    }

    /// What is missed is written.
    static func churn(_ cache: Cache<String, Account>) -> Loop {
        { visits, start, count in
            var walk = Walk(visits, from: start)
            var held = Account(0)
            let fresh = Account(1)
            for _ in 0..<count {
                let key = visits.keys[walk.next()]
                if let account = cache.cached(key) {
                    held = account
                } else {
                    cache.insert(fresh, for: key)
                }
            }
            return held
        }
    }

    static func mixed(_ cache: Cache<String, Account>) -> Loop {
        { visits, start, count in
            var walk = Walk(visits, from: start)
            var held = Account(0)
            let fresh = Account(1)
            for _ in 0..<count {
                let place = walk.next()
                if place < 0 {
                    cache.insert(fresh, for: visits.keys[~place])
                } else if let account = cache.cached(visits.keys[place]) {
                    held = account
                }
            }
            return held
        }
    }

    static func mixed(_ dictionary: LockedDictionary) -> Loop {
        { visits, start, count in
            var walk = Walk(visits, from: start)
            var held = Account(0)
            let fresh = Account(1)
            for _ in 0..<count {
                let place = walk.next()
                if place < 0 {
                    dictionary.insert(fresh, for: visits.keys[~place])
                } else if let account = dictionary.cached(visits.keys[place]) {
                    held = account
                }
            }
            return held
        }
    }
}

extension Contestant {
    /// Nanoseconds an operation of a loop that as many tasks run at once.
    init(_ name: String, workers: Int, _ visits: Visits, _ loop: @escaping Loop) {
        self.init(
            name,
            sample: perOperation { count in
                try await parallel(workers) { worker in
                    let start = visits.start(of: worker, of: workers)
                    let last = try await loop(visits, start, count / workers)
                    precondition(last.isOpen)
                }
            })
    }
}

extension Figure {
    private static let parallelHint = "wall time over all operations: 2t below 1t scales"

    static let lookUps: [Figure] =
        ["hit", "cached"].flatMap { face in
            [("64", 64), ("100k", 100_000)].flatMap { size, keys in
                [1, 2].map { lookUp(face, size, keys: keys, workers: $0) }
            }
        } + [
            Figure(
                id: "churn.1k.100k", unit: "ns",
                about: "cached(_:), and insert on a miss; 100,000 keys, maxsize 1,000"
            ) { bench in
                let visits = Visits(keys: 100_000)
                let cache: Cache<String, Account> = try makeCache(maxsize: 1000)
                return [Contestant("ours", workers: 1, visits, Loops.churn(cache))]
                    + bench.peers("churn 1000 100000")
            },
            Figure(
                id: "fetch.1k.100k", unit: "ns",
                about: "value(for:), whose fetch answers at once; 100,000 keys, maxsize 1,000"
            ) { bench in
                let visits = Visits(keys: 100_000)
                let fresh = Account(1)
                let cache: Cache<String, Account> = try makeCache(maxsize: 1000) { _ in fresh }
                return [Contestant("ours", workers: 1, visits, Loops.hit(cache))]
                    + bench.peers("fetch 1000 100000")
            },
            mixed(workers: 1), mixed(workers: 2),
        ]

    private static func lookUp(_ face: String, _ size: String, keys: Int, workers: Int) -> Figure {
        let call = face == "hit" ? "value(for:)" : "cached(_:)"
        let hint = workers == 1 ? "" : "; \(parallelHint)"
        return Figure(
            id: "\(face).\(size).\(workers)t", unit: "ns",
            about: "a hit by \(call), \(keys) keys, \(workers) at once\(hint)"
        ) { bench in
            let visits = Visits(keys: keys)
            let cache = try filled(visits.keys)
            let loop = face == "hit" ? Loops.hit(cache) : Loops.cached(cache)
            let dictionary = LockedDictionary(visits.keys)
            return [
                Contestant("ours", workers: workers, visits, loop),
                Contestant("dictionary", workers: workers, visits, Loops.cached(dictionary)),
            ] + bench.peers("\(face) \(keys) \(workers)")
        }
    }

    private static func mixed(workers: Int) -> Figure {
        Figure(
            id: "mixed.90.10.\(workers)t", unit: "ns",
            about: "nine times cached(_:), once insert; 1,000 keys held, \(workers) at once"
        ) { bench in
            let visits = Visits(keys: 1000, writes: 10)
            let cache = try filled(visits.keys)
            let dictionary = LockedDictionary(visits.keys)
            return [
                Contestant("ours", workers: workers, visits, Loops.mixed(cache)),
                Contestant("dictionary", workers: workers, visits, Loops.mixed(dictionary)),
            ] + bench.peers("mixed 1000 \(workers)")
        }
    }
}
