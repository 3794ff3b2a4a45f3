public import Foundation
public import Larder
public import LarderInspector

/// A role of the embedded origin, `arn:aws:iam::100000000000:role/reader`.
public struct EmbeddedRole: Hashable, Sendable, ByteSized {
    /// As it was written.
    public let arn: String

    /// - Throws: ``EmbeddedError/noRole(_:)``.
    public init(_ arn: String) throws {
        let pattern = /arn:aws:iam::[0-9]{12}:role\/[A-Za-z0-9+=,.@_\/-]+/
        // ASCII first: to the pattern, what looks like a letter of its range is one.
        guard arn.utf8.allSatisfy({ $0 < 0x80 }), arn.wholeMatch(of: pattern) != nil else {
            throw EmbeddedError.noRole(arn)
        }
        self.arn = arn
    }

    /// `100000000000/reader`.
    public var shownKey: String {
        let parts = arn.split(separator: ":")
        return parts[3] + "/" + parts[4].dropFirst("role/".count)
    }

    /// What the ARN's text owns.
    public var heapBytes: Int { arn.heapBytes }
}

/// Credentials that open nothing, made as STS makes its own.
public struct IssuedCredentials: Sendable, Expiring, Sensitive, ByteSized, Inspectable,
    MintedAnew
{
    /// Each issue makes another session.
    public static let minted = "session"

    /// `ASIA` and 16 letters and digits, as STS has them.
    public let accessKeyID: String
    /// 40 random characters.
    public let secretAccessKey: Secret
    /// 360 random characters.
    public let sessionToken: Secret
    /// The end of the session on the age line.
    public let expiry: AgeInstant?
    /// The same end by the wall clock.
    public let expiration: Date
    /// The role that was asked for.
    public let role: EmbeddedRole

    /// The secrets' own pages included.
    public var heapBytes: Int {
        accessKeyID.heapBytes + secretAccessKey.heapBytes + sessionToken.heapBytes + role.heapBytes
    }

    /// The key id's last four, the role and the end; nothing else leaves the process.
    public var shown: Shown {
        .fields([
            .init("key", .text("…" + accessKeyID.suffix(4))), .init("role", .text(role.arn)),
            .init("expires", .text(expiration.formatted(.iso8601))),
        ])
    }
}

/// The local issuer of short-lived credentials.
public struct Issuer: Sendable {
    private let clock: AgeClock

    /// - Parameter clock: By which sessions end.
    public init(clock: AgeClock = .system) { self.clock = clock }

    /// A session that lives from now for `lifetime`.
    public func issue(_ role: EmbeddedRole, lifetime: Duration) -> IssuedCredentials {
        IssuedCredentials(
            accessKeyID: "ASIA" + text(16, from: "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
            secretAccessKey: Secret(text(40, from: Self.base64)),
            sessionToken: Secret(text(360, from: Self.base64)), expiry: clock.now() + lifetime,
            expiration: Date(timeIntervalSinceNow: lifetime.inSeconds), role: role)
    }

    private static let base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    private func text(_ length: Int, from letters: String) -> String {
        var random = SystemRandomNumberGenerator()
        return String((0..<length).map { _ in letters.randomElement(using: &random)! })
    }
}
