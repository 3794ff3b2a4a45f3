import Foundation
import Larder
import LarderAWS
import LarderInspector
import TestSupport
import Testing

/// Keys whose secret parts must be found nowhere.
let canaries = Credentials(
    accessKeyID: "AKIACANARYCANARY1234", secretAccessKey: Secret("canary-secret-access-key"),
    sessionToken: Secret("canary-session-token"))

/// What `body` comes to against a server that does `steps` for every request.
func with<Result>(
    _ steps: Upstream.Step..., deadline: Duration = .seconds(10), attempts: Int? = 1,
    clock: AgeClock = .system, _ body: (AWSClient, Upstream) async throws -> Result
) async throws -> Result {
    let upstream = try Upstream { _ in steps }
    defer { upstream.stop() }
    return try await withClient(
        upstream.endpoint, deadline: deadline, attempts: attempts, clock: clock,
        credentials: canaries
    ) { try await body($0, upstream) }
}

/// A client for `body`, shut down whatever came of it.
func withClient<Result>(
    _ endpoint: String, deadline: Duration = .seconds(10), attempts: Int? = 1,
    clock: AgeClock = .system, credentials: Credentials, _ body: (AWSClient) async throws -> Result
) async throws -> Result {
    try await withAWSClient(
        region: "us-east-1", endpointURL: endpoint, deadline: deadline, attempts: attempts,
        clock: clock, credentials: { credentials }, body)
}

/// The error that `body` fails with; checks that it tells nothing that is secret.
func failure<Result>(
    _ location: SourceLocation = #_sourceLocation, _ body: () async throws -> Result
) async throws -> AWSError {
    do {
        _ = try await body()
        throw Failure("nothing failed")
    } catch let error as AWSError {
        let all = "\(error) \(error.localizedDescription) \(String(reflecting: error))"
        #expect(!all.contains("canary") && !all.contains("CANARYCANARY"), sourceLocation: location)
        #expect(error.description.utf8.count < 4000, sourceLocation: location)
        #expect(
            !error.description.unicodeScalars.contains {
                $0.properties.generalCategory == .control || $0.properties.isBidiControl
            }, sourceLocation: location)
        return error
    }
}

/// Asks for an item of the table `accounts`.
func item(_ client: AWSClient) async throws -> DynamoDBItem {
    try await client.dynamoDB.getItem(
        table: "accounts", key: .init("account_number", .string("100000000000")))
}

/// A reply as it goes over the wire.
func reply(
    _ status: String = "200 OK", _ headers: [String] = [], _ body: String
) -> Upstream.Step {
    .send(replyText(status, headers, body))
}

func replyText(_ status: String = "200 OK", _ headers: [String] = [], _ body: String) -> String {
    let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)"] + headers
    return lines.joined(separator: "\r\n") + "\r\n\r\n" + body
}
