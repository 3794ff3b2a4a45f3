import ArgumentParser
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// A bare hummingbird route that answers whatever it is asked with one item of DynamoDB's: what a
/// gateway's hit is measured beside, and the service behind that gateway.
struct RouteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "route", abstract: "Answer every POST with one item.", shouldDisplay: false)

    @Argument(help: "The file that its port is written to.") var file: String

    /// An account as boto3's users have them, of 228 bytes.
    static let item = #"""
        {"Item":{"account_number":{"S":"100000000005"},"name":{"S":"Account 005"},\#
        "role":{"S":"arn:aws:iam::100000000005:role/reader"},"credit":{"N":"1250.75"},\#
        "tags":{"SS":["blue","green"]},"isOpen":{"BOOL":true},"note":{"NULL":true}}}
        """#

    func run() async throws {
        let body = ByteBuffer(string: Self.item)
        let headers: HTTPFields = [
            .contentType: "application/x-amz-json-1.0",
            .init("x-amzn-RequestId")!: String(repeating: "A", count: 52),
            .init("x-amz-crc32")!: String(Self.checksum(Self.item)),
            .init("X-Cache")!: "hit", .age: "0",
        ]
        let router = Router()
        router.post("/") { _, _ in
            Response(status: .ok, headers: headers, body: .init(byteBuffer: body))
        }
        var logger = Logger(label: "route")
        logger.logLevel = .critical
        let file = file
        let application = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? 0
                try? Data("\(port)".utf8).write(to: URL(filePath: file), options: .atomic)
            },
            logger: logger)
        try await application.run()
    }

    /// CRC-32 bit by bit, as it is defined (ISO 3309): it is made once.
    private static func checksum(_ text: String) -> UInt32 {
        ~text.utf8.reduce(~0) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in
                sum >> 1 ^ (sum & 1 == 1 ? 0xedb8_8320 : 0)
            }
        }
    }
}
