/// Hashes of keys, for the choice of a shard and a place in it; nothing is promised of them.
///
/// A text key is hashed byte by byte where it is plain ASCII, which most are: eight at a time by
/// folded multiplication (the step of wyhash), with two secrets that are drawn anew for every
/// cache. Hashing it as `Hashable` does costs a third of a hit. Any other
/// key, and text beyond ASCII, is hashed by `Hashable`: texts are equal where they are canonically
/// equivalent, and no text in ASCII is equivalent to one that is not, but for three characters.
@usableFromInline
struct KeyHash: Sendable {
    @usableFromInline let first = UInt64.random(in: 1 ... .max)
    @usableFromInline let second = UInt64.random(in: 1 ... .max)

    init() {}

    @inlinable @inline(__always)
    func hash<Key: Hashable>(_ key: Key) -> UInt64 {
        if Key.self == String.self { return hash(text: unsafeBitCast(key, to: String.self)) }
        // As `hashValue`, less two calls.
        return UInt64(bitPattern: Int64(key._rawHashValue(seed: 0)))
    }

    @inlinable @inline(__always)
    func hash(text: String) -> UInt64 {
        let plain: UInt64? = text.utf8.withContiguousStorageIfAvailable { hash(ascii: $0) } ?? nil
        return plain ?? hash(beyondASCII: text)
    }

    /// `nil` where a byte is beyond ASCII.
    @inlinable @inline(__always)
    func hash(ascii bytes: UnsafeBufferPointer<UInt8>) -> UInt64? {
        guard let base = UnsafeRawPointer(bytes.baseAddress) else { return 0 }
        let count = bytes.count
        var hash = first ^ UInt64(truncatingIfNeeded: count)
        var all: UInt64 = 0
        var offset = 0
        while offset &+ 8 <= count {
            let word = (base + offset).loadUnaligned(as: UInt64.self)
            all |= word
            hash = fold(hash ^ word, second)
            offset &+= 8
        }
        // The rest in pieces that do not overlap: a short text was just stored in two words, and a
        // load across both would wait for the stores to finish.
        var rest: UInt64 = 0
        if count & 4 != 0 {
            rest = UInt64((base + offset).loadUnaligned(as: UInt32.self))
            offset &+= 4
        }
        if count & 2 != 0 {
            rest = rest << 16 | UInt64((base + offset).loadUnaligned(as: UInt16.self))
            offset &+= 2
        }
        if count & 1 != 0 { rest = rest << 8 | UInt64((base + offset).load(as: UInt8.self)) }
        all |= rest
        return all & 0x8080_8080_8080_8080 == 0 ? fold(hash ^ rest, first) : nil
    }

    @inlinable @inline(__always)
    func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }

    @usableFromInline
    func hash(beyondASCII text: String) -> UInt64 {
        // Those that are equivalent to a character in ASCII: the Kelvin sign, the Greek question
        // mark and the Greek varia.
        let singles: [Unicode.Scalar: Unicode.Scalar] = [
            "\u{212A}": "K", "\u{37E}": ";", "\u{1FEF}": "`",
        ]
        let mapped = text.unicodeScalars.map { singles[$0] ?? $0 }
        if mapped.allSatisfy(\.isASCII) {
            return mapped.map { UInt8($0.value) }.withUnsafeBufferPointer { hash(ascii: $0)! }
        }
        return UInt64(bitPattern: Int64(text._rawHashValue(seed: 0)))
    }
}
