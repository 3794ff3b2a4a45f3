import LarderAWS
import TestSupport
import Testing

/// What services answer instead of what was asked for, and the sentences it becomes.
@Suite(.timeLimit(.minutes(1))) struct RefusalTests {
    struct Refusal: Sendable {
        var status = "400 Bad Request"
        var code: String
        var message = "Why."
        var kind: AWSError.Kind
        var advice: String
    }

    static let refusals: [Refusal] = [
        .init(
            code: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
            message: "Requested resource not found", kind: .unknownTable,
            advice: "check --table and --region (us-east-1)"),
        .init(
            code: "com.amazon.coral.service#AccessDeniedException",
            message: "User: arn:aws:iam::1:user/u is not authorized", kind: .denied,
            advice: "the caller needs dynamodb:GetItem on it"),
        .init(
            code: "com.amazon.coral.service#ExpiredTokenException", kind: .expiredToken,
            advice: "the session has ended; renew the keys"),
        .init(
            code: "com.amazon.coral.service#UnrecognizedClientException", kind: .unknownKey,
            advice:
                "this access key is not known there; check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN"),
        .init(
            code: "com.amazon.coral.service#InvalidSignatureException", kind: .wrongSecret,
            advice:
                "the signature was refused; check AWS_SECRET_ACCESS_KEY and the machine's clock"),
        .init(
            code: "com.amazon.coral.validate#ValidationException",
            message: "The provided key element does not match the schema", kind: .invalid,
            advice: "check --key against the table: its name, its type (NAME:number for a number), "
                + "and whether there is a sort key (--sort-key)"),
        .init(
            code: "com.amazon.coral.availability#ThrottlingException:http://internal/",
            kind: .throttled, advice: "try again in a moment"),
        .init(
            code: "ProvisionedThroughputExceededException", message: "", kind: .throttled,
            advice: "try again in a moment"),
        .init(
            status: "500 Internal Server Error",
            code: "com.amazonaws.dynamodb.v20120810#InternalServerError", kind: .service,
            advice: "the service failed (HTTP 500); try again in a moment"),
    ]

    @Test(arguments: refusals)
    func `a refusal in JSON is one sentence with code, request and advice`(
        refusal: Refusal
    ) async throws {
        let json = #"{"__type":"\#(refusal.code)","message":"\#(refusal.message)"}"#
        let answer = reply(refusal.status, ["x-amzn-RequestId: 8F3A"], json)
        try await with(answer) { client, _ in
            let error = try await failure { try await item(client) }
            let code = refusal.code.split(separator: "#").last!.split(separator: ":")[0]
            let message = refusal.message.isEmpty ? "" : ": " + refusal.message.trimmingDot
            #expect(
                error.description
                    == "GetItem on \"accounts\": \(code) (request 8F3A)\(message); "
                    + refusal.advice)
            #expect(error.kind == refusal.kind)
            #expect(error.operation == "GetItem" && error.requestID == "8F3A")
            #expect(error.code == String(code))
        }
    }

    @Test func `the code may stand in a header, the message under a capital`() async throws {
        let headers = ["x-amzn-ErrorType: AccessDeniedException:http://internal/"]
        try await with(reply("400 Bad", headers, #"{"Message":"No"}"#)) { client, _ in
            let error = try await failure { try await item(client) }
            #expect(error.kind == .denied && error.code == "AccessDeniedException")
            #expect(error.description.contains("AccessDeniedException: No; the caller needs"))
        }
    }

    static let documents = [
        """
        <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>\
        <Type>Sender</Type><Code>CODE</Code><Message>a &lt;b&gt; &amp; c</Message></Error>\
        <RequestId>8F3A</RequestId></ErrorResponse>
        """,
        """
        <?xml version="1.0"?>
        <ErrorResponse>
          <Errors><Error><Code>CODE</Code>
            <Message>a &lt;b&gt; &amp; c</Message></Error></Errors>
          <RequestID>8F3A</RequestID>
        </ErrorResponse>
        """,
        """
        <s:ErrorResponse xmlns:s="urn:x"><s:RequestId>8F3A</s:RequestId><s:Error>\
        <s:Message>a &lt;b&gt; &amp; c</s:Message><s:Code>CODE</s:Code></s:Error>\
        </s:ErrorResponse>
        """,
    ]

    @Test(arguments: documents)
    func `a refusal in XML is understood of both services`(document: String) async throws {
        func answer(_ code: String) -> Upstream.Step {
            reply("403 Forbidden", [], document.replacing("CODE", with: code))
        }
        try await with(answer("AccessDenied")) { client, _ in
            let role = try Role("arn:aws:iam::222222222222:role/reader")
            let error = try await failure { try await client.sts.assumeRole(role) }
            #expect(error.kind == .denied && error.operation == "AssumeRole")
            #expect(
                error.description
                    == "AssumeRole of arn:aws:iam::222222222222:role/reader: AccessDenied "
                    + "(request 8F3A): a <b> & c; the caller needs sts:AssumeRole on the role, "
                    + "and the role must trust the caller")
        }
        try await with(answer("SignatureDoesNotMatch")) { client, _ in
            let error = try await failure { try await item(client) }
            #expect(error.kind == .wrongSecret && error.requestID == "8F3A")
        }
    }

    @Test(arguments: [
        ("ExpiredToken", AWSError.Kind.expiredToken, "the session has ended; renew the keys"),
        ("Throttling", .throttled, "try again in a moment"),
        ("ValidationError", .invalid, "check what was asked for"),
        ("RegionDisabledException", .service, "refused (HTTP 400)"),
    ])
    func `what STS refuses is told with advice of its own`(
        code: String, kind: AWSError.Kind, advice: String
    ) async throws {
        let document = Self.documents[0].replacing("CODE", with: code)
        try await with(reply("400 Bad Request", [], document)) { client, _ in
            let role = try Role("arn:aws:iam::222222222222:role/reader")
            let error = try await failure { try await client.sts.assumeRole(role) }
            #expect(error.kind == kind && error.code == code)
            #expect(error.description.hasSuffix(advice))
        }
    }

    @Test(arguments: [
        ("503 Busy", "<html>busy</html>", AWSError.Kind.service, "failed with HTTP 503"),
        ("502 Bad Gateway", "", .service, "try again in a moment"),
        ("404 Not Found", "<html><body>", .garbage, "check --endpoint-url"),
        ("400 Bad Request", #"{"__type":""}"#, .garbage, "check --endpoint-url"),
        ("403 Forbidden", "[]", .garbage, "answered HTTP 403 and nothing that dynamodb says"),
        ("307 Temporary Redirect", "", .garbage, "answered with a redirect, which is not followed"),
    ])
    func `an answer that is no service's is told apart from a refusal`(
        status: String, body: String, kind: AWSError.Kind, part: String
    ) async throws {
        let answer = reply(status, ["Location: http://169.254.169.254/"], body)
        try await with(answer) { client, upstream in
            let error = try await failure { try await item(client) }
            #expect(error.kind == kind && error.code == nil)
            #expect(error.description.contains(part), "\(error)")
            #expect(error.description.contains(upstream.endpoint))
            #expect(upstream.requests.count == 1)
        }
    }
}

extension String {
    fileprivate var trimmingDot: String { hasSuffix(".") ? String(dropLast()) : self }
}
