import TestSupport
import Testing

@testable import LarderAWS

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
            let role = try IAMRole("arn:aws:iam::222222222222:role/reader")
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
        (
            "RegionDisabledException", .service,
            "the account has STS switched off in us-east-1; switch it on in IAM's account settings, "
                + "or name another --region"
        ),
        (
            "PackedPolicyTooLarge", .invalid,
            "policies and tags are too large together; shorten --policy, or leave some --policy-arn "
                + "or --tag out"
        ),
        (
            "MalformedPolicyDocumentException", .invalid,
            "the session policy is no policy of IAM's; check --policy"
        ),
        ("SomethingNew", .service, "refused (HTTP 400)"),
    ])
    func `what STS refuses is told with advice of its own`(
        code: String, kind: AWSError.Kind, advice: String
    ) async throws {
        let document = Self.documents[0].replacing("CODE", with: code)
        try await with(reply("400 Bad Request", [], document)) { client, _ in
            let role = try IAMRole("arn:aws:iam::222222222222:role/reader")
            let error = try await failure { try await client.sts.assumeRole(role) }
            #expect(error.kind == kind && error.code == code)
            #expect(error.description.hasSuffix(advice))
        }
    }

    // MARK: Whose fault it is

    private static func source(_ source: KeySource) -> Credentials {
        var keys = canaries
        keys.source = source
        return keys
    }

    @Test(arguments: [
        (
            KeySource.environment, "AWS_SESSION_TOKEN has ended",
            "check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN", "check AWS_SECRET_ACCESS_KEY and"
        ),
        (
            .file("config:7"), "the session at config:7 has ended; renew the keys there",
            "check aws_access_key_id and aws_session_token at config:7",
            "check aws_secret_access_key at config:7 and"
        ),
        (
            .process("config:7"), "that the credential_process of config:7 gave has ended",
            "check what the credential_process of config:7 prints",
            "check what the credential_process of config:7 prints and"
        ),
        (
            .endpoint("instance metadata"), "that instance metadata gave has ended",
            "check what instance metadata gives", "check what instance metadata gives and"
        ),
        (
            .role("arn:x"), "the session of arn:x has ended", "check whether arn:x was deleted",
            "check whether arn:x was deleted"
        ),
    ])
    func `the advice is about where the keys are from`(
        source: KeySource, ended: String, unknown: String, secret: String
    ) async throws {
        for (code, advice) in [
            ("ExpiredTokenException", ended), ("UnrecognizedClientException", unknown),
            ("InvalidSignatureException", secret),
        ] {
            let upstream = try Upstream(
                reply("400 Bad", [], ##"{"__type":"a#\##(code)","message":"no"}"##))
            defer { upstream.stop() }
            try await withClient(upstream.endpoint, credentials: Self.source(source)) { client in
                let error = try await failure { try await item(client) }
                #expect(error.description.contains(advice), "\(error)")
            }
        }
    }

    @Test(arguments: [
        (
            "ExpiredTokenException",
            "in /t/token has ended; whoever writes it has to write a new one"
        ),
        ("InvalidIdentityToken", "check the web identity's token in /t/token: its issuer and its"),
        ("IDPRejectedClaim", "its issuer rejected the web identity's token in /t/token"),
        ("AccessDenied", "the role must trust the identity provider, for sts:AssumeRoleWithWeb"),
    ])
    func `an error about a web identity names its file`(code: String, advice: String) async throws {
        let document = Self.documents[0].replacing("CODE", with: code)
        try await with(reply("400 Bad Request", [], document)) { client, _ in
            let error = try await failure {
                try await client.sts.assumeRoleWithWebIdentity(
                    IAMRole("arn:aws:iam::222222222222:role/reader"), sessionName: "larder",
                    token: "canary", from: "/t/token")
            }
            #expect(error.description.contains(advice), "\(error)")
        }
    }

    private static let who = "User: arn:aws:iam::1:user/u is not authorized to perform: "

    @Test(arguments: [
        (who + "dynamodb:GetItem on resource: arn:t", "the caller needs dynamodb:GetItem on it"),
        (who + "kms:Decrypt on resource: arn:k", "the caller needs kms:Decrypt on it"),
        (who + "dynamodb:BatchGetItem on", "the caller needs dynamodb:BatchGetItem on it"),
        (
            who + "dynamodb:GetItem on resource: arn:t with an explicit deny in a service control "
                + "policy",
            "dynamodb:GetItem is denied explicitly, by the service control policy"
        ),
        ("No.", "the caller needs dynamodb:GetItem on it"),
    ])
    func `the permission that is missing is the one that was asked for`(
        message: String, advice: String
    ) async throws {
        let body = ##"{"__type":"a#AccessDeniedException","message":"\##(message)"}"##
        try await with(reply("400 Bad", [], body)) { client, _ in
            let error = try await failure { try await item(client) }
            #expect(error.kind == .denied)
            #expect(error.description.contains("; " + advice), "\(error)")
        }
    }

    @Test func `every operation names its own permission`() async throws {
        let body = ##"{"__type":"a#AccessDeniedException","message":"no"}"##
        try await with(reply("400 Bad", [], body)) { client, _ in
            let scan = try await failure {
                try await client.dynamoDB.someKeys(table: "t", names: ["id"], limit: 1)
            }
            #expect(scan.description.hasSuffix("the caller needs dynamodb:Scan on it"))
            let batch = try await failure {
                try await client.dynamoDB.getItems(table: "t", keys: [.init("id", .string("a"))])
            }
            #expect(batch.description.hasSuffix("the caller needs dynamodb:BatchGetItem on it"))
        }
        let tags = Self.documents[0].replacing("CODE", with: "AccessDenied").replacing(
            "a &lt;b&gt; &amp; c", with: Self.who + "sts:TagSession on resource: arn:r")
        try await with(reply("403 No", [], tags)) { client, _ in
            let error = try await failure {
                try await client.sts.assumeRole(IAMRole("arn:aws:iam::222222222222:role/reader"))
            }
            #expect(
                error.description.hasSuffix(
                    "the caller needs sts:TagSession on the role, and the role must trust the caller "
                        + "with it"))
        }
    }

    @Test(arguments: [
        ("503 Busy", "<html>busy</html>", AWSError.Kind.throttled, "too much to do (HTTP 503)"),
        ("500 Oh", "<html>no</html>", .service, "failed with HTTP 500"),
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
