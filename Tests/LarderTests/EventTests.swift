import Foundation
import LarderTesting
import TestSupport
import Testing

@testable import Larder

@Suite struct EventTests {
    private let clock = TestClock()

    private func cache(events: Int = 100) -> Cache<Int, Int> {
        Cache("events", maxsize: 2, ttl: .seconds(10), events: events, clock: clock.neverWaking) {
            if $0 < 0 { throw Refused() }
            return $0
        }
    }

    @Test func `a life is told in full: written, hit, removed, by whom and why`() async throws {
        let cache = cache()
        let ann = Operator("ann", reason: "stale")
        #expect(try await cache.value(for: 1) == 1)
        for _ in 0..<3 { _ = cache.cached(1) }
        clock.advance(by: .seconds(4))
        cache.invalidate(1, by: ann)
        let events = cache.events(after: 0).events
        let bytes = events.first.flatMap { event -> Int? in
            guard case .written(1, let took?, let bytes) = event.kind, took > .zero else {
                return nil
            }
            return bytes
        }
        #expect(bytes ?? 0 > 0)
        #expect(events.map(\.number) == [1, 2])
        #expect(events.map(\.key) == [1, 1])
        #expect(events[1].at == clock.now)
        #expect(
            events[1].kind == .removed(.invalidated, version: 1, age: .seconds(4), hits: 3))
        #expect(events.map(\.by) == [nil, ann])
    }

    @Test func `a change of bounds is one event with both, and no change is none`() throws {
        let cache = cache()
        let ann = Operator("ann")
        try cache.update(by: ann) {
            $0.maxsize = 2; $0.ttl = .seconds(10)
        }
        #expect(cache.lastEvent == 0)
        cache.insert(1, for: 1)
        try cache.update(by: ann) { $0.maxsize = 0 }
        let events = cache.events(after: 1).events
        let old = CacheConfiguration(maxsize: 2, ttl: .seconds(10))
        let new = CacheConfiguration(maxsize: 0, ttl: .seconds(10))
        #expect(events.map(\.kind).first == .configured(from: old, to: new))
        #expect(events.map(\.by) == [ann, nil])
        #expect(events.map(\.key) == [nil, 1])
    }

    @Test func `numbers have no gap, and pages join up`() async {
        let cache = cache()
        for round in 0..<20 {
            cache.insert(round, for: round % 3)
            _ = try? await cache.value(for: -1)
            if round.isMultiple(of: 5) { cache.invalidateAll() }
        }
        var number: UInt64 = 0
        while true {
            let page = cache.events(after: number, limit: 7)
            #expect(page.dropped == 0)
            let count = UInt64(page.events.count)
            #expect(count <= 7)
            #expect(page.events.map(\.number) == Array(number + 1..<number + 1 + count))
            guard let last = page.events.last else { break }
            number = last.number
        }
        #expect(number == cache.lastEvent)
    }

    @Test(arguments: [1, 3, 16])
    func `a full feed overwrites the oldest and counts what was missed`(capacity: Int) {
        let cache = cache(events: capacity)
        for version in 1...20 { cache.invalidate(version: version) }
        let last = cache.lastEvent
        #expect(last == 40)
        let page = cache.events(after: 0)
        #expect(page.events.map(\.number) == Array(last - UInt64(capacity) + 1...last))
        #expect(page.dropped == last - UInt64(capacity))
        // Who has read up to the oldest one kept has missed nothing.
        #expect(cache.events(after: last - UInt64(capacity)).dropped == 0)
        #expect(cache.events(after: last - UInt64(capacity) - 1).dropped == 1)
        #expect(cache.events(after: 0, limit: 1).events.map(\.number) == [page.events[0].number])
    }

    @Test func `many events are read in slices of a bounded number`() {
        let cache = cache(events: 1000)
        for version in 1...500 { cache.invalidate(version: version) }
        let before = cache.snapshot().holds.looking.count
        let page = cache.events(after: 0)
        #expect(page.events.map(\.number) == Array(1...1000))
        #expect(page.dropped == 0)
        #expect(cache.snapshot().holds.looking.count >= before + 1000 / 64)
    }

    @Test func `what is overwritten while a feed is read counts as dropped`() async {
        let cache = cache(events: 300)
        let writer = Thread { for version in 1...20_000 { cache.invalidate(version: version) } }
        writer.start()
        var read: UInt64 = 0
        while read < 40_000 {
            let page = cache.events(after: read)
            let first = read + page.dropped + 1
            #expect(page.events.map(\.number) == Array(first..<first + UInt64(page.events.count)))
            #expect(page.events.count > 0 || page.dropped == 0)
            read = page.events.last?.number ?? read
            await Task.yield()
        }
        #expect(read == 40_000)
    }

    @Test(arguments: [2, 3, UInt64.max - 1, .max])
    func `nothing is new after the last event, or after one that never was`(number: UInt64) {
        let cache = cache()
        cache.insert(1, for: 1)
        cache.invalidate(1)
        let page = cache.events(after: number)
        #expect(page.events.isEmpty)
        #expect(page.dropped == 0)
    }

    @Test func `versions grow by every write and are never used again`() throws {
        let cache = cache()
        var versions: [UInt64] = []
        for round in 1...6 {
            cache.insert(round, for: 1)
            versions.append(try #require(cache.peek(1)?.facts.version))
            if round.isMultiple(of: 2) { cache.invalidateAll() }
            if round == 4 { try cache.update { $0.maxsize = 0 } }
            if round == 4 { try cache.update { $0.maxsize = 2 } }
        }
        #expect(versions == [1, 2, 3, 4, 5, 6])
    }

    @Test func `an entry written anew is left alone by who means the older one`() {
        let cache = cache()
        cache.insert(1, for: 1)
        cache.insert(2, for: 1)
        #expect(cache.invalidate(1, version: 1) == .changed(version: 2))
        #expect(cache.peek(1)?.value == 2)
        let bytes = cache.snapshot().bytes
        #expect(cache.invalidate(1, version: 2) == .removed(bytes: bytes))
        #expect(cache.invalidate(1, version: 2) == .absent)
    }
}

extension Cache<Int, Int> {
    /// Two events: a write, and its end.
    fileprivate func invalidate(version: Int) {
        insert(version, for: 1)
        invalidate(1)
    }
}
