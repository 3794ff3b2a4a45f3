import TestSupport
import Testing

@testable import Larder

/// What every policy promises, under random operations.
@Suite struct PolicyTests {
    static let all: [Policy] = [
        .lru, .fifo, .lfu(), .lfu(ages: false), .rr(seed: 1), .sieve, .s3fifo, .tinylfu,
    ]

    @Test(arguments: all)
    func `a policy names its victims as promised under random operations`(policy: Policy) throws {
        for seed in 1...drive.seeds {
            var rig = Rig(policy, seed)
            for number in 1...drive.operations {
                try rig.step("\(policy), seed \(seed), operation \(number)")
            }
        }
    }

    @Test(arguments: all)
    func `a policy that takes over evicts what it was told of first, but for chance`(
        policy: Policy
    ) {
        let fresh = policy.make(maxsize: 100)
        for slot in 0..<100 as Range<UInt32> { fresh.added(slot, hash: UInt64(slot)) }
        fresh.checkInvariants(count: 100)
        if case .rr = policy { return }
        // W-TinyLFU's window of one holds the newest, and loses the tie.
        #expect(fresh.next() == (policy == .tinylfu ? 99 : 0))
    }

    @Test func `the same seed draws the same victims`() {
        func victims(_ seed: UInt64) -> [UInt32] {
            let policy = Policy.rr(seed: seed).make(maxsize: nil)
            for slot in 0..<50 as Range<UInt32> { policy.added(slot, hash: 0) }
            return policy.victims(50, on: Policy.rr(seed: 0).make(maxsize: nil))
        }
        #expect(victims(7) == victims(7))
        #expect(victims(7) != victims(8))
        #expect(Set(victims(7)).count == 50)
    }

    @Test func `every entry has the same chance to be drawn`() {
        let policy = Policy.rr(seed: 1).make(maxsize: 10)
        for slot in 0..<10 as Range<UInt32> { policy.added(slot, hash: 0) }
        var drawn = [Int](repeating: 0, count: 10)
        for _ in 0..<1000 {
            let slot = policy.next()
            drawn[Int(slot)] += 1
            policy.removed(slot, evicted: true)
            policy.added(slot, hash: 0)
        }
        #expect(drawn.allSatisfy { 60...140 ~= $0 })
    }

    @Test func `where nothing ages, what was popular once stays`() {
        for ages in [true, false] {
            let policy = Policy.lfu(ages: ages).make(maxsize: 2)
            policy.added(0, hash: 0)
            policy.touched([0, 0, 0])
            policy.added(1, hash: 1)
            for _ in 0..<60 { policy.missed() }
            policy.rewritten(1)
            policy.rewritten(1)
            #expect(policy.next() == (ages ? 0 : 1))
        }
    }
}

/// A policy and its naive model, driven together.
private struct Rig {
    private let name: Policy
    var policy: any EvictionPolicy
    private(set) var maxsize: Int?
    private var model: any Naive
    private var held: [UInt32] = []
    private var free = Array((0..<40 as Range<UInt32>).reversed())
    private var random: Seeded

    init(_ name: Policy, _ seed: UInt64) {
        self.name = name
        random = Seeded(seed)
        maxsize = seed % 4 == 0 ? nil : 12
        policy = name.make(maxsize: maxsize)
        model = name.naive(maxsize: maxsize)
    }

    /// What may be held: so many where there is no bound on the number.
    private var limit: Int { maxsize ?? 25 }

    mutating func step(_ comment: Comment) throws {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<35: try add(comment)
        case 35..<65: touch()
        case 65..<72: if let slot = held.randomElement(using: &random) { rewrite(slot) }
        case 72..<80:
            policy.missed()
            model.missed()
        case 80..<86: if let slot = held.randomElement(using: &random) { remove(slot, false) }
        case 86..<92: try evictSome(comment)
        case 92..<94: try resize(comment)
        default: try askTwice(comment)
        }
        policy.checkInvariants(count: held.count)
    }

    private mutating func add(_ comment: Comment) throws {
        guard limit > 0 else { return }
        while held.count + 1 > limit { try evict(comment) }
        let slot = free.remove(at: Int.random(in: 0..<free.count, using: &random))
        held.append(slot)
        let hash = UInt64.random(in: 0..<40, using: &random)
        policy.added(slot, hash: hash)
        model.added(slot, hash)
    }

    private mutating func touch() {
        guard !held.isEmpty else { return }
        // Some are wanted more than others.
        let slots = (0..<Int.random(in: 1...6, using: &random)).map { _ in
            held[
                min(
                    .random(in: held.indices, using: &random),
                    .random(in: held.indices, using: &random))]
        }
        if policy.heedsHits { policy.touched(slots) }
        for slot in slots { model.touched(slot) }
    }

    private mutating func rewrite(_ slot: UInt32) {
        policy.rewritten(slot)
        model.rewritten(slot)
    }

    private mutating func remove(_ slot: UInt32, _ evicted: Bool) {
        held.removeAll { $0 == slot }
        free.append(slot)
        policy.removed(slot, evicted: evicted)
        model.removed(slot, evicted)
    }

    private mutating func evict(_ comment: Comment) throws {
        let slot = policy.next()
        try #require(held.contains(slot), comment)
        try #require(model.foretold == slot, comment)
        _ = model.victim()
        remove(slot, true)
    }

    private func foretold(_ count: Int) -> [UInt32] {
        policy.victims(count, on: name.make(maxsize: maxsize))
    }

    private mutating func evictSome(_ comment: Comment) throws {
        let count = Int.random(in: 0...held.count, using: &random)
        let foretold = foretold(count)
        try #require(self.foretold(count) == foretold, comment)
        let all = self.foretold(100)
        try #require(Set(all) == Set(held) && all.count == held.count, comment)
        try #require(Array(all.prefix(count)) == foretold, comment)
        for slot in foretold {
            try #require(policy.next() == slot, comment)
            try evict(comment)
            policy.checkInvariants(count: held.count)
        }
    }

    private mutating func resize(_ comment: Comment) throws {
        maxsize = [nil, 0, 1, 2, 5, 12, 20, 30].randomElement(using: &random)!
        policy.resized(to: maxsize)
        while policy.tidy(1) {}
        model.resized(to: maxsize)
        while held.count > limit { try evict(comment) }
    }

    private mutating func askTwice(_ comment: Comment) throws {
        guard !held.isEmpty else { return }
        let foretold = foretold(1)
        let victim = policy.next()
        try #require([victim] == foretold, comment)
        policy.checkInvariants(count: held.count)
        try #require(policy.next() == victim, comment)
        try #require(self.foretold(1) == [victim], comment)
        try #require(model.victim() == victim, comment)
    }
}
