import CZlib
import NIOCore

/// The CRC-32 that DynamoDB says of what it sends.
enum Checksum {
    static func of(_ buffer: ByteBuffer) -> UInt32 {
        buffer.withUnsafeReadableBytes { bytes in
            UInt32(
                truncatingIfNeeded: crc32(
                    0, bytes.bindMemory(to: UInt8.self).baseAddress,
                    UInt32(truncatingIfNeeded: bytes.count)))
        }
    }
}
