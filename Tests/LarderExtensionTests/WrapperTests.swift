import Foundation
import HTTPTypes
import HummingbirdCore
import LarderGateway
import NIOCore
import TestSupport
import Testing

@testable import LarderExtension

@Suite struct `The wrapper` {
    private func variables(_ environment: [String: String]) -> [String: String?] {
        Dictionary(
            uniqueKeysWithValues: Wrapper.variables(ExtensionSettings(environment), environment)
                .map { ($0.name, $0.value) })
    }

    @Test func `points DynamoDB at the extension, past every proxy`() {
        let own = ["AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:5599"]
        #expect(variables([:]) == own)
        #expect(variables(["NO_PROXY": "169.254.169.254"]) == own)
        let proxy = ["HTTPS_PROXY": "http://proxy:3128"]
        for (said, hosts) in [
            ([:], "127.0.0.1"), (["NO_PROXY": "internal.example"], "internal.example,127.0.0.1"),
            (["no_proxy": "a", "NO_PROXY": "b"], "a,127.0.0.1"),
            (["no_proxy": "", "NO_PROXY": "b"], "b,127.0.0.1"),
        ] as [([String: String], String)] {
            #expect(
                variables(said.merging(proxy) { $1 })
                    == own.merging(["NO_PROXY": hosts, "no_proxy": hosts]) { $1 })
        }
        // Every host is one.
        #expect(variables(["NO_PROXY": "*", "https_proxy": "http://proxy:3128"]) == own)
    }

    @Test func `hands the runtime its signals as they were`() throws {
        let program = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "larder-extension").path
        func output(_ command: String) throws -> String {
            let pipe = try #require(popen(command + " 2>/dev/null", "r"))
            defer { pclose(pipe) }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = fread(&bytes, 1, bytes.count, pipe)
            return String(decoding: bytes[..<count], as: UTF8.self)
        }
        let look = "grep SigIgn /proc/self/status"
        let (plain, wrapped) = (try output(look), try output("\(program) wrap \(look)"))
        #expect(plain.contains("SigIgn") && wrapped == plain)
    }

    @Test func `has a role's session come from the extension, in place of the function's own keys`()
    {
        let role = "arn:aws:iam::222222222222:role/reader"
        let set = variables([
            "LARDER_ROLE": role, "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S",
            "AWS_SESSION_TOKEN": "token",
        ])
        let uri = "http://127.0.0.1:5599/role-arn/\(role)"
        #expect(set["AWS_CONTAINER_CREDENTIALS_FULL_URI"] == uri)
        #expect(set["AWS_CONTAINER_AUTHORIZATION_TOKEN"] == "token")
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            #expect(set[name] == .some(nil))
        }
    }

    @Test func `leaves the function's own keys where nothing could be asked with`() {
        #expect(variables(["LARDER_ROLE": "arn:aws:iam::222222222222:role/x"]).count == 1)
        // A role that is none is not asked for: the function would have no keys at all.
        let token = ["AWS_SESSION_TOKEN": "token", "AWS_ACCESS_KEY_ID": "A"]
        #expect(variables(token.merging(["LARDER_ROLE": "reader"]) { $1 }).count == 1)
        let settings = ExtensionSettings(["LARDER_ROLE": "reader"])
        #expect(settings.role == nil && settings.notes.count == 1)
        #expect(settings.notes.first?.hasPrefix("LARDER_ROLE: \"reader\" is no role") == true)
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n\r\nhealthy: larder us-east-1 \n", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false),
        ("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.1 2", false),
    ])
    func `looks whether somebody answers`(answer: String, isThere: Bool) throws {
        let upstream = try Upstream(.send(answer), .cut)
        defer { upstream.stop() }
        let address = try GatewayAddress(parsing: "127.0.0.1:\(upstream.port)")
        #expect(Wrapper.isAnswering(address) == isThere)
    }

    @Test func `finds nobody at a port where nobody is`() throws {
        let upstream = try Upstream()
        let address = try GatewayAddress(parsing: "127.0.0.1:\(upstream.port)")
        upstream.stop()
        #expect(eventually { !Wrapper.isAnswering(address) })
    }

    @Test func `a gateway with nothing behind it says so in DynamoDB's words`() async throws {
        let face = Unavailable("the region is none")
        let head = HTTPRequest(method: .post, scheme: "http", authority: "127.0.0.1", path: "/")
        #expect(face.takes(head))
        let response = try await face.respond(to: head, ByteBuffer())
        #expect(response.status == .serviceUnavailable)
        #expect(response.headers[.contentType] == "application/x-amz-json-1.0")
    }
}
