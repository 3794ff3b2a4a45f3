public import Foundation
public import Larder
public import LarderInspector

/// AWS credentials: long-lived keys of a user, or a role's session.
public struct Credentials: Sendable, Expiring, ByteSized, Inspectable {
    public let accessKeyID: String
    public let secretAccessKey: Secret
    public let sessionToken: Secret?
    /// The end of the session on the age line; `nil` for keys without one.
    public let expiry: Instant?
    /// The same end as STS wrote it.
    public let expiration: Date?
    /// The ARN of the role whose session it is.
    public let role: String?

    public init(
        accessKeyID: String, secretAccessKey: Secret, sessionToken: Secret? = nil,
        expiry: Instant? = nil, expiration: Date? = nil, role: String? = nil
    ) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expiry = expiry
        self.expiration = expiration
        self.role = role
    }

    /// The secrets' own pages included.
    public var heapBytes: Int {
        accessKeyID.heapBytes + secretAccessKey.heapBytes + (sessionToken?.heapBytes ?? 0)
            + (role?.heapBytes ?? 0)
    }

    /// The key id's last four, the role and the end; nothing else leaves the process.
    public var shown: Shown {
        var fields = [Shown.Field("key", .text("…" + accessKeyID.suffix(4)))]
        if let role { fields.append(.init("role", .text(role))) }
        if let expiration {
            fields.append(.init("expires", .text(expiration.formatted(.iso8601))))
        }
        return .fields(fields)
    }

    /// The keys that the environment holds.
    ///
    /// - Throws: ``AWSError`` of kind ``AWSError/Kind/noCredentials`` where one is missing.
    public static func fromEnvironment(_ environment: [String: String]) throws -> Credentials {
        func value(_ name: String) -> String? {
            environment[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        switch (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY")) {
        case (let id?, let secret?):
            return Credentials(
                accessKeyID: id, secretAccessKey: Secret(secret),
                sessionToken: value("AWS_SESSION_TOKEN").map { Secret($0) })
        case (nil, nil):
            throw AWSError(
                .noCredentials,
                "there are no AWS keys; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        case (nil, _):
            throw AWSError(
                .noCredentials,
                "AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not; set both")
        case (_, nil):
            throw AWSError(
                .noCredentials,
                "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not; set both")
        }
    }
}
