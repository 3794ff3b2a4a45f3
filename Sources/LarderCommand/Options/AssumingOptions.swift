import ArgumentParser
import Foundation
import Larder
import LarderAWS
import LarderInspector

/// What goes with AssumeRole, by the names that the AWS CLI has for it.
struct AssumingOptions: ParsableArguments {
    @Option(help: "The name that stands in the account's trail.")
    var roleSessionName = "larder"

    @Option(help: "How long sessions live, 900 to 43200 seconds. (default: STS's own hour)")
    var durationSeconds: Int?

    @Option(help: "The external id that the role's owner asks for.")
    var externalId: String?

    @Option(help: "A session policy as JSON: it takes from what the role may do.")
    var policy: String?

    @Option(help: "The ARN of a managed policy that does the same. Repeatable.")
    var policyArn: [String] = []

    @Option(
        help: "A session tag, KEY=VALUE. Repeatable.",
        transform: parsed { text in
            let pair = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, !pair[0].isEmpty else {
                throw UnitError("\"\(text)\" is no tag; write KEY=VALUE")
            }
            return Tag(key: String(pair[0]), value: String(pair[1]))
        })
    var tag: [Tag] = []

    @Option(help: "The key of a tag that sessions assumed from this one have too. Repeatable.")
    var transitiveTagKey: [String] = []

    @Option(help: "The source identity, which no later session can change.")
    var sourceIdentity: String?

    struct Tag {
        var key: String
        var value: String
    }

    func validate() throws {
        if RoleRequest.hasTwins(tag.map(\.key)) {
            throw ValidationError(
                "--tag: a key stands there twice, or in another case, which is one to STS; keep one "
                    + "of them")
        }
        // Whatever the role: what goes with it is looked at.
        let any = try request(of: "arn:aws:iam::000000000000:role/any", by: .init())
        if let (input, problem) = any.problems.first {
            throw ValidationError("--\(input.rawValue): \(problem)")
        }
    }

    /// - Throws: ``AWSError`` where the text is no role's ARN.
    func request(of arn: String, by caller: RoleRequest.Caller) throws -> RoleRequest {
        RoleRequest(
            try IAMRole(arn), sessionName: roleSessionName,
            duration: durationSeconds.map { .seconds($0) }, externalID: externalId, policy: policy,
            policyARNs: policyArn,
            tags: Dictionary(tag.map { (Verbatim($0.key), Verbatim($0.value)) }) { $1 },
            transitiveTagKeys: Set(transitiveTagKey.map { Verbatim($0) }),
            sourceIdentity: sourceIdentity,
            caller: caller)
    }
}
