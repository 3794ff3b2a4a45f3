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
        let set = variables(["NO_PROXY": "169.254.169.254"])
        #expect(
            set == [
                "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:5599",
                "NO_PROXY": "169.254.169.254,127.0.0.1", "no_proxy": "127.0.0.1",
            ])
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
        #expect(variables(["LARDER_ROLE": "arn:aws:iam::2:role/x"]).count == 3)
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
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
