import HTTPTypes
import Larder
import LarderAWS
import LarderInspector
import LarderTesting
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import LarderGateway

@Suite struct `Signatures of requests` {
    private static let body = #"{"TableName":"orders","Key":{"id":{"S":"a"}}}"#
    private let rig = Rig { _, _ in reply("{}") }

    private func answer(
        _ change: (inout HTTPRequest) -> Void = { _ in }
    ) async throws -> Rig.Answer {
        var request = rig.request("GetItem", Self.body)
        change(&request.head)
        return try await rig.send(request)
    }

    @Test func `are accepted where a known key made them`() async throws {
        #expect(try await answer().status == 200)
    }

    @Test func `of a changed request are refused, and nothing is asked upstream`() async throws {
        for change: @Sendable (inout HTTPRequest) -> Void in [
            { $0.headerFields[.amzTarget] = "DynamoDB_20120810.DeleteItem" },
            { $0.authority = "127.0.0.1:1" },
            { $0.headerFields[.amzDate] = "20261127T120001Z" },
            {
                var digits = Array($0.headerFields[.authorization]!)
                digits[digits.count - 1] = digits.last == "0" ? "1" : "0"
                $0.headerFields[.authorization] = String(digits)
            },
            { $0.headerFields[.authorization]!.removeLast() },
            { $0.headerFields.append(HTTPField(name: .amzTarget, value: "x")) },
        ] {
            let answer = try await answer(change)
            #expect(answer.status == 400)
            #expect(
                ["InvalidSignatureException", "UnknownOperationException"].contains(answer.code),
                "\(answer.code)")
        }
        var request = rig.request("GetItem", Self.body)
        request.body = ByteBuffer(string: Self.body + " ")
        #expect(try await rig.send(request).code == "InvalidSignatureException")
        #expect(rig.upstream.requests.isEmpty)
    }

    @Test func `of unknown, unsigned and halves say what to do`() async throws {
        let stranger = Credentials(
            accessKeyID: "AKIASTRANGERSTRANGER", secretAccessKey: Secret("x"))
        let unknown = try await rig.call("GetItem", Self.body, by: stranger)
        #expect(unknown.code == "UnrecognizedClientException")
        #expect(unknown.body.contains("larder exec"))
        let unsigned = try await rig.call("GetItem", Self.body, by: nil)
        #expect(unsigned.code == "MissingAuthenticationTokenException")
        #expect(unsigned.body.contains("larder exec"))
        let wrong = Credentials(
            accessKeyID: ownKeys.accessKeyID, secretAccessKey: Secret("wrong"))
        #expect(
            try await rig.call("GetItem", Self.body, by: wrong).code == "InvalidSignatureException")
        let half = try await answer {
            $0.headerFields[.authorization] = "AWS4-HMAC-SHA256 Credential=a/b/c/d"
        }
        #expect(half.code == "IncompleteSignatureException")
        #expect(half.body.contains("requires 'Signature' parameter. Authorization header requires"))
        let scope = try await answer {
            $0.headerFields[.authorization] =
                "AWS4-HMAC-SHA256 Credential=a/b/c/d, SignedHeaders=host, Signature=e"
        }
        #expect(scope.code == "InvalidSignatureException" || scope.body.contains("exactly 5"))
        #expect(rig.upstream.requests.isEmpty)
    }

    @Test(arguments: [(-300, true), (-301, false), (300, true), (301, false)])
    func `may be five minutes old or early`(offset: Int64, isAccepted: Bool) async throws {
        let request = rig.request("GetItem", Self.body, at: Rig.wall + offset)
        let answer = try await rig.send(request)
        #expect(answer.status == (isAccepted ? 200 : 400))
        guard !isAccepted else { return }
        #expect(answer.code == "InvalidSignatureException")
        #expect(answer.body.contains(offset < 0 ? "Signature expired" : "not yet current"))
    }

    @Test func `for another region are refused with the one that is served`() async throws {
        let answer = try await rig.send(rig.request("GetItem", Self.body, region: "eu-west-1"))
        #expect(answer.code == "InvalidSignatureException")
        #expect(answer.body.contains("not 'eu-west-1'") && answer.body.contains("us-east-1"))
    }

    @Test func `have to cover what decides over the request`() async throws {
        for header in ["x-amz-target;", "host;", "x-amz-date;"] {
            let answer = try await answer {
                $0.headerFields[.authorization] = $0.headerFields[.authorization]!
                    .replacing(";" + header.dropLast(), with: "")
            }
            #expect(answer.code == "InvalidSignatureException")
            #expect(answer.body.contains("must be a 'SignedHeader'"), "\(header): \(answer.body)")
        }
    }

    @Test func `of a session need its token, until the session's end`() async throws {
        let session = Credentials(
            accessKeyID: "ASIASESSIONSESSION01", secretAccessKey: Secret("secret"),
            sessionToken: Secret("token"), expiry: rig.clock.now + .seconds(900))
        rig.signers.add(session, as: "222222222222/reader")
        #expect(try await rig.call("GetItem", Self.body, by: session).status == 200)
        for token in [nil, Secret("tokem"), Secret("token2")] {
            let other = Credentials(
                accessKeyID: session.accessKeyID, secretAccessKey: Secret("secret"),
                sessionToken: token)
            #expect(
                try await rig.call("GetItem", Self.body, by: other).code
                    == "UnrecognizedClientException")
        }
        rig.clock.advance(by: .seconds(900))
        #expect(
            try await rig.call("GetItem", Self.body, by: session).code == "ExpiredTokenException")
        rig.clock.advance(by: .seconds(3600))
        #expect(
            try await rig.call("GetItem", Self.body, by: session).code
                == "UnrecognizedClientException")
    }

    @Test func `of the engine's former keys are accepted for a while`() async throws {
        let clock = rig.clock.neverWaking
        let current = Guarded(ownKeys)
        let signers = KnownSigners(own: { (current.withLock { $0 }, "own") }, clock: clock)
        let first = await signers.signer(ownKeys.accessKeyID)
        #expect(first?.identity.name == "own")
        let next = Credentials(accessKeyID: "AKIANEXTNEXTNEXT1234", secretAccessKey: Secret("n"))
        current.withLock { $0 = next }
        #expect(await signers.signer(next.accessKeyID)?.identity == first?.identity)
        #expect(await signers.signer(ownKeys.accessKeyID) != nil)
        rig.clock.advance(by: .seconds(3601))
        #expect(await signers.signer(ownKeys.accessKeyID) == nil)
        #expect(await signers.signer(next.accessKeyID) != nil)
    }

    @Test func `of an own key whose secret was written anew are accepted at once`() async throws {
        let current = Guarded(ownKeys)
        let signers = KnownSigners(own: { (current.withLock { $0 }, "own") })
        let old = try #require(await signers.signer(ownKeys.accessKeyID))
        #expect(await signers.signer(insteadOf: old) == nil)
        let new = Credentials(
            accessKeyID: ownKeys.accessKeyID, secretAccessKey: Secret("written anew"))
        current.withLock { $0 = new }
        #expect(await signers.signer(insteadOf: old)?.keys.isSame(as: new) == true)
    }

    @Test func `are not asked for where play is allowed, tampered ones refused all the same`()
        async throws
    {
        let rig = Rig(acceptsUnsigned: true) { _, _ in reply("{}") }
        #expect(try await rig.call("GetItem", Self.body, by: nil).status == 200)
        let stranger = Credentials(accessKeyID: "x", secretAccessKey: Secret("x"))
        #expect(try await rig.call("GetItem", Self.body, by: stranger).cache == "hit")
        #expect(rig.upstream.requests.map(\.key) == [ownKeys.accessKeyID])
        let wrong = Credentials(
            accessKeyID: ownKeys.accessKeyID, secretAccessKey: Secret("wrong"))
        #expect(
            try await rig.call("GetItem", Self.body, by: wrong).code == "InvalidSignatureException")
    }

    @Test func `are looked at after what DynamoDB looks at first`() async throws {
        func answer(
            _ change: (inout HTTPRequest, inout ByteBuffer) -> Void
        ) async throws -> Rig.Answer {
            var request = rig.request("GetItem", Self.body, by: nil)
            change(&request.head, &request.body)
            return try await rig.send(request)
        }
        let xml = "<UnknownOperationException/>\n"
        #expect(try await answer { head, _ in head.method = .put }.body == xml)
        #expect(try await answer { head, _ in head.path = "/x" }.status == 404)
        #expect(
            try await answer { head, _ in head.headerFields[.contentType] = "text/plain" }.body
                == xml)
        #expect(
            try await answer { _, body in body = ByteBuffer(string: "{") }.code
                == "SerializationException")
        for target in ["DynamoDB_20111205.GetItem", "GetItem", "DynamoDB_20120810.", ""] {
            #expect(
                try await answer { head, _ in head.headerFields[.amzTarget] = target }.code
                    == "UnknownOperationException")
        }
        #expect(
            try await answer { _, _ in }.code == "MissingAuthenticationTokenException")
        #expect(try await answer { head, _ in head.method = .get }.body.hasPrefix("healthy: "))
    }

    @Test(arguments: [
        ("19700101T000000Z", Int64(0)), ("20261127T120000Z", Rig.wall),
        ("20000229T235959Z", 951_868_799), ("21000301T000000Z", 4_107_542_400),
    ])
    func `have times that are read as they are written`(text: String, seconds: Int64) {
        #expect(BasicTime.seconds(text) == seconds)
        #expect(BasicTime.text(seconds) == text)
    }

    @Test(arguments: [
        "", "20261127T120000", "2026-11-27T12:00", "20261327T120000Z", "20261127t120000Z",
    ])
    func `have times, and nothing else is one`(text: String) {
        #expect(BasicTime.seconds(text) == nil)
    }

    @Test func `and their secrets are said nowhere`() async throws {
        for keys in [
            ownKeys, Credentials(accessKeyID: ownKeys.accessKeyID, secretAccessKey: Secret("w")),
        ] {
            let answer = try await rig.call("GetItem", Self.body, by: keys)
            #expect(!"\(answer)".contains("canary"))
        }
        let seen = String(reflecting: rig.signers) + "\(try await rig.inspector.report())"
        #expect(!seen.contains("canary"))
    }
}
