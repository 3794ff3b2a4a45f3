import HTTPTypes
package import HummingbirdCore
import Larder
import LarderInspector
import NIOCore
import Synchronization

/// How a reply came about, as its `X-Cache` header says it.
enum Outcome: String {
    /// From an entry.
    case hit
    /// Fetched for this request.
    case miss
    /// Fetched for another request that was under way.
    case joined
    /// From an entry past its end, because it cannot be fetched again.
    case stale
    /// Passed on.
    case pass
}

extension HTTPField.Name {
    static let requestID = Self("x-amzn-RequestId")!
    static let checksum = Self("x-amz-crc32")!
    static let xCache = Self("X-Cache")!
}

/// Writes replies as DynamoDB writes them.
package struct Answers: Sendable {
    private let ids = RequestIDs()

    package init() {}

    func json(
        _ body: ByteBuffer, status: Int = 200, checksum: UInt32? = nil, id: String? = nil,
        _ outcome: Outcome? = nil, age: Duration? = nil
    ) -> Response {
        var headers = HTTPFields()
        headers.reserveCapacity(8)
        headers[.contentType] = "application/x-amz-json-1.0"
        headers[.requestID] = id ?? ids.next()
        headers[.checksum] = String(checksum ?? Checksum.of(body))
        if let outcome { headers[.xCache] = outcome.rawValue }
        if let age { headers[.age] = String(max(0, age.components.seconds)) }
        return Response(
            status: .init(code: status), headers: headers, body: .init(byteBuffer: body))
    }

    package func refusal(_ refusal: Refusal) -> Response {
        let message = refusal.message.map { [Shown.Field("message", .text($0))] } ?? []
        let body = Shown.fields([.init("__type", .text(refusal.type))] + message)
        return json(ByteBuffer(string: body.json), status: refusal.status)
    }

    /// What is no request of DynamoDB's is told so in XML, whatever it asks for.
    func unknown() -> Response {
        var response = json(ByteBuffer(string: "<UnknownOperationException/>\n"), status: 404)
        response.headers[.contentType] = nil
        return response
    }
}

/// Ids of requests that the service has never seen: 52 letters and digits, like its own.
final class RequestIDs: Sendable {
    private let seed = UInt64.random(in: .min ... .max)
    private let count = Atomic<UInt64>(0)

    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".utf8)

    func next() -> String {
        let number = count.wrappingAdd(1, ordering: .relaxed).newValue
        var state = seed &+ number &* 0x5851_f42d_4c95_7f2d
        return String(unsafeUninitializedCapacity: 52) { bytes in
            for start in stride(from: 0, to: 52, by: 12) {
                var mixed = SplitMix.mixed(state)
                state &+= SplitMix.step
                for place in start..<min(start + 12, 52) {
                    bytes[place] = Self.letters[Int(mixed % 36)]
                    mixed /= 36
                }
            }
            return 52
        }
    }
}
