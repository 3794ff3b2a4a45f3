import Larder
import LarderAWS
import LarderInspector
import NIOCore

/// What the service said of an item: the item as it wrote it, or that there is none.
struct CachedItem: Sendable {
    /// The whole body of a reply that tells no capacity: `{"Item":{…}}`, or `{}`.
    let body: ByteBuffer
    let checksum: UInt32
    /// When it was asked for.
    let readAt: AgeInstant
    /// The number of its answer among all that came: whoever asks after that was told of it, and does
    /// not wait for it. The clock is too coarse to say so.
    let landing: UInt64
    /// Capacity units that reading it took, as far as the service said that.
    let capacity: Double

    /// - Parameter item: As the service wrote it; `nil` where there is none.
    init(
        _ item: ArraySlice<UInt8>?, capacity: Double, readAt: AgeInstant,
        landing: UInt64
    ) {
        var body = ByteBuffer()
        body.reserveCapacity((item?.count ?? 0) + 16)
        if let item {
            body.writeStaticString("{\"Item\":")
            body.writeBytes(item)
            body.writeStaticString("}")
        } else {
            body.writeStaticString("{}")
        }
        checksum = Checksum.of(body)
        (self.body, self.capacity) = (body, capacity)
        (self.readAt, self.landing) = (readAt, landing)
    }

    var isMissing: Bool { body.readableBytes == 2 }

    /// The item's own text; empty where there is none.
    var item: ByteBufferView {
        isMissing
            ? body.readableBytesView[..<body.readerIndex]
            : body.readableBytesView.dropFirst(8).dropLast()
    }
}

extension CachedItem: ByteSized {
    /// The buffer's own storage and the object that holds it.
    var heapBytes: Int { body.storageCapacity + 80 }
}

extension CachedItem: Inspectable {
    /// Plain JSON, as of an item that is looked up by the engine itself.
    var shown: Shown {
        guard let json = try? Shown(json: Array(body.readableBytesView)), let item = json["Item"]
        else { return .null }
        guard let attributes = try? AttributeValue.members(item) else { return item }
        return .fields(
            attributes.sorted { $0.key < $1.key }.map { .init($0.key.text, $0.value.shown) })
    }
}
