import Testing

@testable import LarderAWS

@Suite struct EndpointTests {
    @Test(arguments: [
        ("dynamodb", "eu-west-1", "dynamodb.eu-west-1.amazonaws.com"),
        ("sts", "us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
        ("sts", "cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
    ])
    func `AWS's own stand by service and region`(service: String, region: String, host: String) {
        let endpoint = Endpoint(service: service, region: region)
        #expect(endpoint.host == host)
        #expect(endpoint.url == "https://\(host)/" && endpoint.path == "/")
    }

    @Test(arguments: [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000/", "127.0.0.1:5000", "/"),
        ("HTTP://localhost:80/", "http://localhost/", "localhost", "/"),
        ("https://example.com:443", "https://example.com/", "example.com", "/"),
        ("https://example.com:80", "https://example.com:80/", "example.com:80", "/"),
        ("http://[::1]:8000", "http://[::1]:8000/", "[::1]:8000", "/"),
        ("https://example.com/a%20b", "https://example.com/a%20b", "example.com", "/a%20b"),
    ])
    func `one that is given names scheme, host and port`(
        text: String, url: String, host: String, path: String
    ) throws {
        let endpoint = try Endpoint(text)
        #expect((endpoint.url, endpoint.host, endpoint.path) == (url, host, path))
    }

    @Test(arguments: [
        "", "localhost:5000", "127.0.0.1", "ftp://127.0.0.1", "http://", "http:///x",
        "http://127.0.0.1:0", "http://127.0.0.1:70000", "http://127.0.0.1:x", "http://h/?q",
        "http://h/#f", "http://two words", "unix:///run/x",
    ])
    func `what is no endpoint is refused with what is accepted`(text: String) async throws {
        let error = try await failure { try Endpoint(text) }
        #expect(error.kind == .invalid)
        #expect(
            error.description
                == "\"\(text)\" is no endpoint; write a URL such as http://127.0.0.1:5000 or "
                + "https://dynamodb.eu-west-1.amazonaws.com")
    }

    @Test func `a password in an endpoint is not repeated`() async throws {
        let error = try await failure { try Endpoint("http://user:canary@127.0.0.1") }
        #expect(error.description.hasPrefix("an endpoint names no user; write a URL such as"))
    }

    @Test(arguments: ["", "us east", "US-EAST-1", "eu/west", "a.b", "é"])
    func `what is no region is refused`(region: String) async throws {
        let error = try await failure { try AWSClient(region: region) { canaries } }
        #expect(error.kind == .invalid)
        #expect(
            error.description == "\"\(region)\" is no region; write one such as eu-west-1")
    }
}
