#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// A key or value that can tell how much memory it takes beside its own place: what `maxbytes`
/// counts.
///
/// Numbers, `Bool`, `String`, `Data`, `Date` and `UUID` can, and so can optionals, arrays, sets and
/// dictionaries of what can. A struct adds up its members:
///
/// ```swift
/// struct Account: ByteSized {
///     let name: String, balance: Int
///     var heapBytes: Int { name.heapBytes }
/// }
/// ```
///
/// A type that owns nothing on the heap need not say anything: `extension Point: ByteSized {}`.
public protocol ByteSized {
    /// Bytes on the heap, allocation headers included; 0 for a value held inline.
    var heapBytes: Int { get }
}

extension ByteSized where Self: BitwiseCopyable {
    /// Plain memory owns nothing.
    public var heapBytes: Int { 0 }
}

/// Types of which no value owns anything: a list of them is as large as its own storage.
private protocol Plain: ByteSized {}

extension Bool: ByteSized, Plain {}
extension Int: ByteSized, Plain {}
extension Int8: ByteSized, Plain {}
extension Int16: ByteSized, Plain {}
extension Int32: ByteSized, Plain {}
extension Int64: ByteSized, Plain {}
extension UInt: ByteSized, Plain {}
extension UInt8: ByteSized, Plain {}
extension UInt16: ByteSized, Plain {}
extension UInt32: ByteSized, Plain {}
extension UInt64: ByteSized, Plain {}
extension Float: ByteSized, Plain {}
extension Double: ByteSized, Plain {}
extension Duration: ByteSized, Plain {}
extension UUID: ByteSized, Plain {
    /// Held inline.
    public var heapBytes: Int { 0 }
}
extension Date: ByteSized, Plain {
    /// Held inline.
    public var heapBytes: Int { 0 }
}

extension String: ByteSized {
    /// Up to 15 UTF-8 bytes are held inline; longer text has a 32-byte header and a closing zero,
    /// in steps of 16. Text that was built piece by piece may have room to spare on top.
    public var heapBytes: Int {
        utf8.count <= 15 ? 0 : allocated((32 + utf8.count + 1 + 15) & ~15)
    }
}

extension Data: ByteSized {
    /// Up to 14 bytes are held inline; more have an object beside their own storage. A slice keeps
    /// all that it was taken from, which it does not tell: copy it with `Data(slice)` to keep it.
    public var heapBytes: Int { count <= 14 ? 0 : allocated(80) + allocated(count) }
}

extension Optional: ByteSized where Wrapped: ByteSized {
    /// What the wrapped value owns; 0 for `nil`.
    public var heapBytes: Int { self?.heapBytes ?? 0 }
}

extension Array: ByteSized where Element: ByteSized {
    /// The room for elements behind a 32-byte header, and what they own; an array without room owns
    /// nothing. Time in proportion to the number of elements, where those may own something.
    public var heapBytes: Int {
        capacity == 0
            ? 0 : allocated(32 + capacity * MemoryLayout<Element>.stride) + heapBytesOfElements
    }
}

extension Set: ByteSized where Element: ByteSized {
    /// As ``Swift/Dictionary/heapBytes``.
    public var heapBytes: Int {
        isEmpty ? 0 : hashTable(capacity, MemoryLayout<Element>.stride) + heapBytesOfElements
    }
}

extension Dictionary: ByteSized where Key: ByteSized, Value: ByteSized {
    /// A hash table has a power of two of places, of which three quarters may be used: a bit, a key
    /// and a value each, behind a header.
    public var heapBytes: Int {
        guard !isEmpty else { return 0 }
        let places = MemoryLayout<Key>.stride + MemoryLayout<Value>.stride
        return hashTable(capacity, places) + keys.heapBytesOfElements + values.heapBytesOfElements
    }
}

extension Sequence where Element: ByteSized {
    fileprivate var heapBytesOfElements: Int {
        Element.self is any Plain.Type ? 0 : reduce(0) { $0 + $1.heapBytes }
    }
}

private func hashTable(_ capacity: Int, _ stride: Int) -> Int {
    let places = (capacity * 4 + 2) / 3
    return allocated(64 + max(8, places / 8) + places * stride)
}

/// What the allocator takes for a request: its own 8 bytes, in steps of 16, at least 32.
package func allocated(_ bytes: Int) -> Int { max(32, (bytes + 8 + 15) & ~15) }

/// Whether all that a value of the type takes is known.
func isSized<Sized>(_ type: Sized.Type) -> Bool {
    // A type of plain memory owns nothing, whether it says so or not.
    type is any ByteSized.Type || _isPOD(type)
}
