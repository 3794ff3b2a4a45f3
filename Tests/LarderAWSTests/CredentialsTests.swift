import Foundation
import Larder
import LarderAWS
import LarderInspector
import Testing

@Suite struct CredentialsTests {
    @Test func `a credential shows the key id's tail, its role and its end, and nothing else`() {
        let credentials = Credentials(
            accessKeyID: "ASIACANARYCANARYABCD", secretAccessKey: Secret("canary"),
            sessionToken: Secret("canary"), expiry: AgeInstant(nanoseconds: 1),
            expiration: Date(timeIntervalSince1970: 1_795_423_058.75),
            role: "arn:aws:iam::222222222222:role/reader")
        #expect(
            credentials.shown
                == .fields([
                    .init("key", .text("…ABCD")),
                    .init("role", .text("arn:aws:iam::222222222222:role/reader")),
                    .init("expires", .text("2026-11-23T08:37:38Z")),
                ]))
        #expect(credentials.heapBytes >= 2 * 4096)
        #expect(credentials.expiry == AgeInstant(nanoseconds: 1))
    }

    @Test func `of a key id too short to have a tail nothing is shown`() {
        let credentials = Credentials(accessKeyID: "abcd", secretAccessKey: Secret("s"))
        #expect(credentials.shown == .fields([.init("key", .text("…"))]))
    }

    @Test func `printed or dumped, a credential keeps its secrets`() {
        var dumped = "\(canaries) \(String(reflecting: canaries))"
        dump(canaries, to: &dumped)
        #expect(!dumped.contains("canary-"))
    }

    @Test func `the environment's keys are taken as they are`() throws {
        let user = try Credentials.fromEnvironment([
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "a/b+c=",
        ])
        #expect(user.accessKeyID == "AKIAIOSFODNN7EXAMPLE")
        #expect(user.secretAccessKey.reveal() == "a/b+c=")
        #expect(user.sessionToken == nil && user.expiry == nil)
        let session = try Credentials.fromEnvironment([
            "AWS_ACCESS_KEY_ID": "ASIA", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t",
        ])
        #expect(session.sessionToken?.reveal() == "t")
    }

    @Test(arguments: [
        ([:], "there are no AWS keys; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (
            ["AWS_ACCESS_KEY_ID": "canary"],
            "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not; set both"
        ),
        (
            ["AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "canary"],
            "AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not; set both"
        ),
        (
            [
                "AWS_ACCESS_KEY_ID": "canary", "AWS_SECRET_ACCESS_KEY": "canary",
                "AWS_SESSION_TOKEN": "canary\ncanary",
            ],
            "AWS_SESSION_TOKEN holds a blank or another character that no key has; set it again"
        ),
        (
            ["AWS_ACCESS_KEY_ID": "canary", "AWS_SECRET_ACCESS_KEY": "canary "],
            "AWS_SECRET_ACCESS_KEY holds a blank or another character that no key has; "
                + "set it again"
        ),
    ])
    func `half a pair, none, or a torn one is refused in words`(
        environment: [String: String], sentence: String
    ) async throws {
        let error = try await failure { try Credentials.fromEnvironment(environment) }
        #expect(error.kind == .noCredentials)
        #expect(error.description == sentence)
    }
}
