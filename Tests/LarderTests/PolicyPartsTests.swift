import TestSupport
import Testing

@testable import Larder

/// What the policies are made of.
@Suite struct PolicyPartsTests {
    @Test(arguments: 1...drive.seeds)
    func `ghosts are forgotten oldest first`(seed: UInt64) throws {
        var (random, model) = (Seeded(seed), [UInt32]())
        var ghosts = GhostQueue()
        for number in 1...drive.operations {
            // Tags that fall into the same few places of the index, however large it is.
            let tag = UInt32.random(in: 0..<30, using: &random) &* 0x1000_0001
            let limit = Int.random(in: 0...(number % 500 < 250 ? 8 : 20), using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                try #require(ghosts.remove(tag) == model.contains(tag), "operation \(number)")
                model.removeAll { $0 == tag }
            case 1:
                ghosts.keep(limit)
                model = model.suffix(limit)
            default:
                let isKnown = model.contains(tag)
                try #require(ghosts.insert(tag, limit: limit) == isKnown)
                model = (model.filter { $0 != tag } + [tag]).suffix(limit)
            }
            try #require(ghosts.count == model.count, "operation \(number)")
            ghosts.checkInvariants()
            try #require(ghosts.all == model)
        }
    }

    @Test func `a count is never too low, and seldom too high`() {
        var (random, uses) = (Seeded(1), [UInt32: Int]())
        var sketch = FrequencySketch(capacity: 512)
        let tags = (0..<512).map { _ in UInt32.random(in: .min ... .max, using: &random) }
        for _ in 0..<2000 {
            let tag = tags.randomElement(using: &random)!
            sketch.increment(tag, sample: .max)
            uses[tag, default: 0] += 1
        }
        #expect(tags.allSatisfy { sketch.count($0) >= min(15, uses[$0] ?? 0) })
        #expect(tags.count { sketch.count($0) > min(15, uses[$0] ?? 0) } < 100)
    }

    @Test func `counts halve after a sample, and grow to 15 only`() {
        var sketch = FrequencySketch(capacity: 64)
        for _ in 0..<100 { sketch.increment(1, sample: 16) }
        #expect(sketch.count(1) == 15)
        sketch.increment(1 << 20, sample: 16)
        #expect(sketch.count(1) == 7)
    }

    @Test func `a sketch that grows forgets nothing`() {
        var sketch = FrequencySketch(capacity: 64)
        for tag in 0..<40 as Range<UInt32> { sketch.increment(tag &* 0x9e37_79b9, sample: .max) }
        let before = (0..<40 as Range<UInt32>).map { sketch.count($0 &* 0x9e37_79b9) }
        sketch.reserve(5000)
        #expect((0..<40 as Range<UInt32>).map { sketch.count($0 &* 0x9e37_79b9) } == before)
    }
}
