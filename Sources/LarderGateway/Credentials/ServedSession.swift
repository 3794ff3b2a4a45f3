package import FoundationEssentials
package import LarderAWS
package import LarderInspector

/// Keys in the form in which a container's endpoint hands them out, as all SDKs read it: each field a
/// text, the end with whole seconds and `Z`.
package struct ServedSession {
    private let keys: Credentials
    private let now: Date

    package init(keys: Credentials, now: Date) { (self.keys, self.now) = (keys, now) }

    /// Keys without an end are asked for anew after an hour: they may have been changed.
    private static let usualLife = 3600.0

    package var json: Shown {
        let end = keys.expiration ?? now.addingTimeInterval(Self.usualLife)
        var fields = [
            // boto3 fails where there is no Token or no Expiration, and so does JavaScript's where
            // they are no texts; an empty token is none to all of them.
            Shown.Field("AccessKeyId", .text(keys.accessKeyID)),
            .init("SecretAccessKey", .text(keys.secretAccessKey.reveal())),
            .init("Token", .text(keys.sessionToken?.reveal() ?? "")),
            .init("Expiration", .text(end.formatted(.iso8601))),
        ]
        if let role = keys.role {
            if let account { fields.append(.init("AccountId", .text(account))) }
            fields.append(.init("RoleArn", .text(role)))
        }
        return .fields(fields)
    }

    /// `arn:aws:iam::222222222222:role/reader` is of 222222222222.
    private var account: String? {
        let parts = keys.role?.split(separator: ":", omittingEmptySubsequences: false) ?? []
        return parts.count > 4 && parts[4].utf8.count == 12 ? String(parts[4]) : nil
    }
}
