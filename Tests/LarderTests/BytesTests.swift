import Foundation
import Larder
import TestSupport
import Testing

@testable import Larder

/// What the system's allocator says it gave for an address; `nil` under a sanitizer's own.
private let allocator: (@convention(c) (UnsafeMutableRawPointer?) -> Int)? = {
    func address(_ name: String) -> UnsafeMutableRawPointer? { dlsym(nil, name) }
    guard address("__asan_init") == nil, address("__tsan_init") == nil else { return nil }
    return address("malloc_usable_size").map {
        unsafeBitCast($0, to: (@convention(c) (UnsafeMutableRawPointer?) -> Int).self)
    }
}()

@Suite struct BytesTests {
    @Test(arguments: [(0, 0), (15, 0), (16, 80), (31, 80), (32, 96), (100, 160)])
    func `text is held inline up to 15 bytes, on the heap beyond`(length: Int, bytes: Int) {
        #expect(String(repeating: "x", count: length).heapBytes == bytes)
    }

    @Test func `length is counted in bytes, not in letters`() {
        #expect(String(repeating: "ä", count: 7).heapBytes == 0)
        #expect(String(repeating: "ä", count: 8).heapBytes == 80)
    }

    @Test func `bytes stand behind a header, and an array without room owns none`() {
        #expect([UInt8]().heapBytes == 0)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(1000)
        let capacity = bytes.capacity
        #expect(bytes.heapBytes == allocated(32 + capacity))
        bytes.append(1)
        #expect(bytes.heapBytes == allocated(32 + capacity))
    }

    @Test(.enabled(if: allocator != nil), arguments: [1, 24, 25, 40, 41, 100, 1000, 4096])
    func `an allocation is counted as the allocator takes it`(size: Int) throws {
        let given = try #require(allocator)
        // Pieces 16 bytes larger lie free, as other tests leave them; a large one puts them in order.
        let others = (0..<1000).map { _ in malloc(size + 16) }
        defer { for index in stride(from: 1, to: 1000, by: 2) { free(others[index]) } }
        for index in stride(from: 0, to: 1000, by: 2) { free(others[index]) }
        free(malloc(100_000))
        // These are given first, and 16 bytes too many are not split off: so many pieces that they
        // are used up.
        let pieces = (0..<min(100_000, 4_000_000 / size)).map { _ in malloc(size) }
        defer { for piece in pieces { free(piece) } }
        #expect(pieces.map(given).min() == allocated(size) - 8)
    }

    @Test func `an entry is counted with its key, its value and the engine's record`() throws {
        let small = Cache<String, String>("text") { $0 }
        small.insert("bread", for: "a")
        let record = try #require(small.peek("a")).facts.bytes
        // A slot holds both inline (16 bytes each) and what is known of the entry (32); links
        // and index come on top.
        #expect(record == 32 + 16 + 16 + 28)
        let (key, value) = (String(repeating: "k", count: 20), String(repeating: "v", count: 500))
        small.insert(value, for: key)
        let large = try #require(small.peek(key)).facts.bytes
        #expect(large == record + key.heapBytes + value.heapBytes)
        #expect(small.snapshot().bytes == record + large)
        small.invalidate(key)
        #expect(small.snapshot().bytes == record)
        small.insert("", for: "a")
        #expect(small.snapshot().bytes == record)
    }

    @Test func `values that do not know their size are counted inline`() throws {
        struct Plain { var number = 1 }
        let cache = Cache<Int, Plain>("plain") { _ in Plain() }
        cache.insert(Plain(), for: 1)
        let bytes = try #require(cache.peek(1)).facts.bytes
        #expect(bytes == 32 + 8 + 8 + 28)
    }
}

@Suite struct PartsTests {
    @Test(arguments: 1...10)
    func `the heap names the soonest end and the older of two, whatever was taken out`(seed: UInt64)
    {
        var random = Seeded(seed)
        var heap = ExpiryHeap()
        struct End: Comparable {
            var expiry: Int64
            var version: UInt64
            static func < (a: End, b: End) -> Bool {
                (a.expiry, a.version) < (b.expiry, b.version)
            }
        }
        var model: [UInt32: End] = [:]
        // Versions pass the most that 32 bits count.
        for version in (UInt64(1) << 32) - 1000..<(UInt64(1) << 32) + 1000 {
            let slot = UInt32.random(in: 0..<50, using: &random)
            if model[slot] == nil {
                let end = End(expiry: Int64.random(in: 0..<30, using: &random), version: version)
                heap.insert(slot, end.expiry, version: version)
                model[slot] = end
            } else {
                heap.remove(slot)
                model[slot] = nil
            }
            let (isOrdered, count, first) = (heap.isOrdered, heap.count, heap.first)
            #expect(isOrdered)
            #expect(count == model.count)
            #expect(first?.slot == model.min { $0.value < $1.value }?.key)
            #expect(first?.expiry == model.values.min()?.expiry)
        }
        heap.remove(99)
        let count = heap.count
        #expect(count == model.count)
    }

    @Test(arguments: 1...10)
    func `an order of slots keeps it`(seed: UInt64) {
        var random = Seeded(seed)
        var links = SlotLinks()
        links.reserve(19)
        var order = SlotOrder()
        var model: [UInt32] = []
        for _ in 0..<2000 {
            let slot = UInt32.random(in: 0..<20, using: &random)
            if !model.contains(slot) {
                order.append(slot, links)
                model.append(slot)
            } else {
                model.removeAll { $0 == slot }
                if Bool.random(using: &random) {
                    order.moveToEnd(slot, links)
                    model.append(slot)
                } else {
                    order.remove(slot, links)
                }
            }
            var seen: [UInt32] = []
            var next = order.first
            while next != SlotOrder.none {
                seen.append(next)
                next = links[next].after
            }
            #expect(seen == model)
            #expect(order.last == model.last ?? SlotOrder.none)
            #expect(order.count == model.count)
        }
    }

    static let durations: [(Duration, Int64)] = [
        (.zero, 0), (.nanoseconds(-1), -1), (.milliseconds(-1500), -1_500_000_000),
        (.seconds(Int64.max), .max), (.seconds(Int64.min), .min),
        (.seconds(9_223_372_036) + .nanoseconds(854_775_807), .max),
        (.seconds(9_223_372_036) + .nanoseconds(854_775_808), .max),
    ]

    @Test(arguments: durations)
    func `a duration is held at the ends of what can be counted`(
        duration: Duration, nanoseconds: Int64
    ) {
        #expect(duration.nanoseconds == nanoseconds)
    }

    @Test func `instants too far apart or away are held at the ends`() {
        let (first, last) = (AgeInstant(nanoseconds: .min), AgeInstant.distantFuture)
        #expect(last + .seconds(1) == last)
        #expect(first + .seconds(-1) == first)
        #expect(last - first == .nanoseconds(Int64.max))
        #expect(first - last == .nanoseconds(Int64.min))
        #expect(last + .seconds(-1) < last)
    }
}

/// A type that tells no size and owns something.
private struct Opaque: Hashable { var text: String }
/// Plain memory, which says nothing of itself.
private struct Point: Hashable { var x = 0.0, y = 0.0 }
private struct Named: ByteSized {
    var name: String
    var heapBytes: Int { name.heapBytes }
}

@Suite struct SizedTests {
    private let megabyte = 1_000_000

    /// Fills a cache of a megabyte with values of 100 kB; how many of fifty it keeps.
    private func kept<Value: Sendable>(_ value: @escaping @Sendable (Int) -> Value) -> Int {
        let cache = Cache<Int, Value>("large", maxsize: nil, maxbytes: megabyte) { value($0) }
        for number in 0..<50 { cache.insert(value(number), for: number) }
        #expect(cache.snapshot().bytes <= megabyte)
        return cache.snapshot().count
    }

    @Test func `maxbytes is a bound for values of every usual kind`() {
        let size = 100_000
        #expect(kept { _ in Data(count: size) } == 9)
        #expect(kept { _ in Data(count: size) as Data? } == 9)
        #expect(kept { _ in [UInt8](repeating: 0, count: size) } == 9)
        #expect(kept { _ in [Int](repeating: 0, count: size / 8) } == 9)
        #expect(kept { _ in [String(repeating: "x", count: size)] } == 9)
        #expect(kept { _ in ["a": Data(count: size / 2), "b": Data(count: size / 2)] } == 9)
        #expect(
            kept { _ in Set((0..<500).map { "\($0)" + String(repeating: "x", count: 200) }) } == 6)
        #expect(kept { _ in Named(name: String(repeating: "x", count: size)) } == 9)
        #expect(kept { _ in [[Data(count: size)], []] as [[Data?]] } == 9)
    }

    @Test func `what owns nothing counts its place alone`() {
        #expect(Int?.none.heapBytes == 0)
        #expect(Int?.some(7).heapBytes == 0)
        #expect(Data([1, 2]).heapBytes == 0)
        #expect([String: Int]().heapBytes == 0)
        #expect([Int]().heapBytes == 0)
        #expect([1, 2].heapBytes == allocated(32 + 16))
        #expect((true, UUID().heapBytes, Date.now.heapBytes).1 == 0)
        #expect(kept { _ in Point() } == 50)
    }

    @Test func `bytes are no bound where nobody knows a size`() throws {
        let cache = Cache<String, Opaque>("opaque", maxsize: 2) { Opaque(text: $0) }
        let error = #expect(throws: CacheError.self) { try cache.update { $0.maxbytes = 1000 } }
        #expect(try #require(error).description.contains("Opaque does not tell its size"))
        #expect(cache.configuration.maxbytes == nil)
        let keyed = Cache<Opaque, Int>("keyed") { _ in 1 }
        #expect(throws: CacheError.self) {
            try keyed.configure(CacheConfiguration(maxsize: 1, maxbytes: 1000, ttl: nil))
        }
        let listed = Cache<Int, [Opaque]>("listed") { _ in [] }
        #expect(throws: CacheError.self) { try listed.update { $0.maxbytes = 1000 } }
        let point = Cache<Point, Int>("point") { _ in 1 }
        try point.update { $0.maxbytes = 1000 }
    }

    @Test func `a weigher says what nobody else does`() {
        let cache = Cache<String, Opaque>(
            "weighed", maxsize: nil, maxbytes: megabyte,
            weigher: { $0.utf8.count + $1.text.utf8.count }
        ) { Opaque(text: $0) }
        for number in 0..<50 {
            cache.insert(Opaque(text: String(repeating: "x", count: 100_000)), for: "\(number)")
        }
        #expect(cache.snapshot().count == 9)
        // What a weigher says is held to what can be true.
        let odd = Cache<Int, Int>("odd", maxbytes: 1000, weigher: { _, value in value }) { $0 }
        odd.insert(.max, for: 1)
        #expect(odd.snapshot().count == 0)
        odd.insert(.min, for: 2)
        #expect(odd.snapshot().count == 1)
        #expect(odd.snapshot().bytes > 0)
    }
}
