import Foundation
import Larder
import LarderAWS
import LarderInspector
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct STSTests {
    static let role = "arn:aws:iam::222222222222:role/reader"
    static let start = AgeInstant(nanoseconds: 5_000_000_000)
    /// A clock that stands still: what is counted from it is counted exactly.
    static let stopped = AgeClock(now: { start }, sleep: { try await Task.sleep(for: $0) })

    static func document(expiration: String) -> String {
        """
        <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\
        <AssumeRoleResult><Credentials><AccessKeyId>ASIAEXAMPLE00001234</AccessKeyId>\
        <SecretAccessKey>s/e+c&amp;r&lt;t</SecretAccessKey>\
        <SessionToken>token==</SessionToken><Expiration>\(expiration)</Expiration></Credentials>\
        <AssumedRoleUser><AssumedRoleId>AROA:larder</AssumedRoleId>\
        <Arn>arn:aws:sts::222222222222:assumed-role/reader/larder</Arn></AssumedRoleUser>\
        <PackedPolicySize>6</PackedPolicySize></AssumeRoleResult>\
        <ResponseMetadata><RequestId>8F3A</RequestId></ResponseMetadata></AssumeRoleResponse>
        """
    }

    static func assume(
        _ document: String, date: String? = "Mon, 23 Nov 2026 08:00:00 GMT"
    ) async throws -> Credentials {
        let headers = date.map { ["Date: \($0)"] } ?? []
        return try await with(reply("200 OK", headers, document), clock: stopped) { client, _ in
            try await client.sts.assumeRole(IAMRole(role))
        }
    }

    @Test func `a session's end is counted from the end of the server's own second`() async throws {
        let session = try await Self.assume(Self.document(expiration: "2026-11-23T08:37:38Z"))
        #expect(session.accessKeyID == "ASIAEXAMPLE00001234")
        #expect(session.secretAccessKey.reveal() == "s/e+c&r<t")
        #expect(session.sessionToken?.reveal() == "token==")
        #expect(session.role == Self.role)
        #expect(session.expiry == Self.start + .seconds(37 * 60 + 37))
        #expect(session.expiration == Date(timeIntervalSince1970: 1_795_423_058))
    }

    @Test func `fractions of a second count`() async throws {
        let document = Self.document(expiration: "2026-11-23T08:00:02.250000Z")
        let session = try await Self.assume(document)
        let life = try #require(session.expiry) - Self.start
        #expect(abs(life.inSeconds - 1.25) < 0.001)
    }

    @Test(arguments: [nil, "yesterday"])
    func `without the server's date this machine's own serves`(date: String?) async throws {
        let end = Date(timeIntervalSinceNow: 3600).formatted(.iso8601)
        let session = try await Self.assume(Self.document(expiration: end), date: date)
        let life = try #require(session.expiry) - Self.start
        #expect(abs(life.inSeconds - 3600) < 60)
    }

    @Test func `the order of elements and their prefix are the service's own business`()
        async throws
    {
        let session = try await Self.assume(
            """
            <?xml version="1.0" encoding="UTF-8"?>
            <a:AssumeRoleResponse xmlns:a="urn:x" xmlns:b="urn:y">
              <a:ResponseMetadata/>
              <a:AssumeRoleResult>
                <b:Other><AccessKeyId>ASIAWRONG</AccessKeyId></b:Other>
                <a:Credentials>
                  <a:Expiration> 2026-11-23T08:01:00Z </a:Expiration>
                  <b:New>x</b:New>
                  <a:SessionToken><![CDATA[tok]]>en</a:SessionToken>
                  <a:SecretAccessKey>secret</a:SecretAccessKey>
                  <a:AccessKeyId>ASIA&#48;1</a:AccessKeyId>
                </a:Credentials>
              </a:AssumeRoleResult>
            </a:AssumeRoleResponse>
            """)
        #expect(session.accessKeyID == "ASIA01")
        #expect(session.sessionToken?.reveal() == "token")
        #expect(session.expiry == Self.start + .seconds(59))
    }

    @Test(arguments: ["2026-11-23T08:00:00Z", "2020-01-01T00:00:00Z"])
    func `a session that has ended already is refused`(end: String) async throws {
        let error = try await failure {
            try await Self.assume(Self.document(expiration: end))
        }
        #expect(error.kind == .garbage)
        #expect(error.description.hasSuffix("gave credentials that have expired already"))
    }

    @Test func `a reply without one of its parts is refused`() async throws {
        let whole = Self.document(expiration: "2026-11-23T08:37:38Z")
        let torn = ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"].flatMap {
            [whole.replacing("<\($0)>", with: "<x>").replacing("</\($0)>", with: "</x>")]
        }
        let others = [
            "", "{}", String(whole.dropLast(30)), Self.document(expiration: "soon"),
            Self.document(expiration: ""), "<a/>",
            String(repeating: "<a>", count: 50_000),
            "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/hostname\">]>"
                + whole.replacing("token==", with: "&e;"),
        ]
        for document in torn + others {
            let error = try await failure { try await Self.assume(document) }
            #expect(error.kind == .garbage)
            #expect(error.description.hasSuffix("holds no credentials; check --endpoint-url"))
        }
    }

    @Test func `what is asked for goes out as a form`() async throws {
        let document = Self.document(expiration: "2099-01-01T00:00:00Z")
        try await with(reply("200 OK", [], document)) { client, upstream in
            _ = try await client.sts.assumeRole(
                RoleRequest(
                    IAMRole(Self.role), sessionName: "me@larder", duration: .seconds(900),
                    externalID: "a:b/c", policy: "{\"a b\": 1}"))
            let request = try #require(upstream.requests.first)
            #expect(
                String(decoding: request.body, as: UTF8.self)
                    == "Action=AssumeRole&Version=2011-06-15"
                    + "&RoleArn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Freader"
                    + "&RoleSessionName=me%40larder&Policy=%7B%22a%20b%22%3A%201%7D"
                    + "&DurationSeconds=900&ExternalId=a%3Ab%2Fc")
            #expect(request.head.lowercased().contains("form-urlencoded"))
            #expect(request.head.contains("/us-east-1/sts/aws4_request"))
        }
    }
}
