import Foundation
import LarderAWS
import LarderInspector
import TestSupport
import Testing

@testable import LarderCommand

@Suite struct `Roles that items name` {
    private static let arn = "arn:aws:iam::222222222222:role/team/reader"

    private func role(
        _ attributes: [Verbatim: AttributeValue], _ patterns: [String], follow: String? = "role"
    ) -> String? {
        var options = FollowingOptions()
        (options.followRoles, options.allowRole) = (follow, patterns)
        return options.role(of: DynamoDBItem(attributes, keyName: "id"))?.arn
    }

    @Test(arguments: [
        (arn, true), ("arn:aws:iam::*:role/team/reader", true), ("arn:aws:iam::*:role/*", true),
        ("arn:*:*:*:*:*", true), ("arn:aws:iam::222222222222:role/*/reader", true),
        ("arn:aws*:iam::*2:role/t*m/*r*r", true), ("arn:*", false), ("arn:aws:iam::*", false),
        ("arn:aws:iam::2:role/*", false), ("arn:aws:iam::*:role/team/reade", false),
        ("arn:aws:iam::*:role/team/reader/*", false), ("arn:aws:iam::*:role/TEAM/reader", false),
        ("arn:aws:iam::111111111111:role/*", false), ("arn:aws:iam::*:user/*", false),
    ])
    func `a pattern is the whole ARN, and its stars keep within the colons`(
        pattern: String, fits: Bool
    ) {
        #expect((role(["role": .string(Self.arn)], [pattern]) == Self.arn) == fits)
    }

    @Test func `only the attribute that is named is looked at, and only what is a role`() {
        let open = ["arn:*:*:*:*:*", "arn:aws:iam::9:role/x"]
        #expect(role(["role": .string(Self.arn)], open) == Self.arn)
        #expect(role(["other": .string(Self.arn)], open) == nil)
        #expect(role(["role": .list([.string(Self.arn)])], open) == nil)
        #expect(role(["role": .string("arn:aws:iam::1:role/x")], open) == nil)
        #expect(role([:], open) == nil)
        #expect(role(["role": .string(Self.arn)], [], follow: nil) == nil)
    }

    /// An AWS whose items name a role, and what was asked of STS.
    private func assumed(_ arguments: String...) throws -> [String] {
        let item =
            #"{"Item":{"id":{"S":"1"},"role":{"S":"arn:aws:iam::222222222222:role/reader"}}}"#
        let upstream = try Upstream(
            .send("HTTP/1.1 200 OK\r\nContent-Length: \(item.utf8.count)\r\n\r\n\(item)"))
        defer { upstream.stop() }
        let ran = try run(
            [
                larder, "top", "--table", "t", "--key", "id", "--keys", "1", "--once", "--for",
                "300ms", "--endpoint-url", upstream.endpoint, "--traffic", "50",
            ] + arguments,
            environment: [
                "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s", "NO_PROXY": "*",
                "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                "AWS_MAX_ATTEMPTS": "1",
            ])
        try #require(ran.status == 0, "\(ran.errors)")
        return upstream.requests.map { String(decoding: $0.body, as: UTF8.self) }.filter {
            $0.contains("Action=AssumeRole")
        }
    }

    @Test func `nobody is become because an item says so, unless that is asked for`() throws {
        #expect(try assumed().isEmpty)
        #expect(
            try assumed(
                "--follow-roles", "role", "--allow-role", "arn:aws:iam::111111111111:role/*"
            ).isEmpty)
        let followed = try assumed(
            "--follow-roles", "role", "--allow-role", "arn:aws:iam::*:role/reader",
            "--external-id", "secret-of-another", "--tag", "a=b", "--source-identity", "me",
            "--policy", "{}")
        #expect(!followed.isEmpty)
        for form in followed {
            #expect(form.contains("role%2Freader") && form.contains("Policy="))
            for part in ["ExternalId", "Tags", "SourceIdentity"] { #expect(!form.contains(part)) }
        }
    }
}
