public import FoundationEssentials
public import Larder
public import LarderInspector

/// AWS credentials: long-lived keys of a user, or a role's session.
public struct Credentials: Sendable, Expiring, Sensitive, ByteSized, Inspectable, MintedAnew {
    /// STS makes another session each time.
    public static let minted = "session"

    /// `AccessKeyId`.
    public let accessKeyID: String
    /// `SecretAccessKey`.
    public let secretAccessKey: Secret
    /// `SessionToken`; `nil` for long-lived keys.
    public let sessionToken: Secret?
    /// The end of the session on the age line; `nil` for keys without one.
    public let expiry: AgeInstant?
    /// The same end as STS wrote it.
    public let expiration: Date?
    /// The ARN of the role whose session it is.
    public let role: String?
    /// Where they are from; its text is shared by all of one source.
    var source: KeySource?

    /// - Parameters:
    ///   - accessKeyID: The name of the key, which is no secret.
    ///   - secretAccessKey: What requests are signed with.
    ///   - sessionToken: What goes along with a session's requests; `nil` for keys without one.
    ///   - expiry: The end of the session on the age line.
    ///   - expiration: The same end by the wall clock.
    ///   - role: The ARN of the role whose session it is.
    public init(
        accessKeyID: String, secretAccessKey: Secret, sessionToken: Secret? = nil,
        expiry: AgeInstant? = nil, expiration: Date? = nil, role: String? = nil
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
        // Of a key id shorter than any that AWS makes, the tail would be too much of it.
        let tail = accessKeyID.count < 16 ? "" : accessKeyID.suffix(4)
        var fields = [Shown.Field("key", .text("…" + tail))]
        if let role { fields.append(.init("role", .text(role))) }
        if let expiration {
            fields.append(.init("expires", .text(expiration.formatted(.iso8601))))
        }
        return .fields(fields)
    }

    /// The keys that the environment holds, with their end where `AWS_CREDENTIAL_EXPIRATION` says
    /// one.
    ///
    /// - Throws: ``AWSError`` of kind ``AWSError/Kind/noCredentials`` where one is missing or torn,
    ///   or where their end is no moment.
    public static func fromEnvironment(
        _ environment: [String: String], clock: AgeClock = .system
    ) throws -> Credentials {
        let (plain, secrets) = SecretVariables.parted(environment)
        return try fromEnvironment(plain, secrets, clock: clock)
    }

    static func fromEnvironment(
        _ environment: [String: String], _ secrets: [String: Secret], clock: AgeClock = .system
    ) throws -> Credentials {
        let (id, secret) = ("AWS_ACCESS_KEY_ID", SecretVariables.key)
        func check(_ name: String, _ bytes: some Sequence<UInt8>) throws {
            guard bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                throw refusal(
                    "\(name) holds a blank or another character that no key has; set it again")
            }
        }
        func text(_ name: String) throws -> String? {
            guard let value = environment[name], !value.isEmpty else { return nil }
            try check(name, value.utf8)
            return value
        }
        func value(_ name: String) throws -> Secret? {
            guard let value = secrets[name], !value.isEmpty else { return nil }
            try value.withBytes { try check(name, $0) }
            return value
        }
        switch (try text(id), try value(secret)) {
        case (let id?, let secret?):
            let expiration = try end(in: environment)
            var keys = Credentials(
                accessKeyID: id, secretAccessKey: secret,
                // The older name counts first, as in botocore.
                sessionToken: try value(SecretVariables.oldSession)
                    ?? value(SecretVariables.session),
                expiry: expiration.map { clock.now() + .seconds($0.timeIntervalSinceNow) },
                expiration: expiration)
            keys.source = .environment
            return keys
        case (nil, nil): throw refusal("there are no AWS keys; set \(id) and \(secret)")
        case (nil, _): throw refusal("\(secret) is set and \(id) is not; set both")
        case (_, nil): throw refusal("\(id) is set and \(secret) is not; set both")
        }
    }

    /// Whether a text has only characters that an id, a secret or a token may have.
    static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }

    private static let endVariable = "AWS_CREDENTIAL_EXPIRATION"

    private static func end(in environment: [String: String]) throws -> Date? {
        guard let text = environment[endVariable], !text.isEmpty else { return nil }
        guard let end = looseTime(text) else {
            throw refusal(
                "\(endVariable) is \"\(AWSError.printable(text))\"; a time with its zone such as "
                    + "2026-11-23T08:37:38Z is accepted")
        }
        return end
    }

    /// - Throws: ``AWSError`` where the environment said an end that is past: nothing is signed
    ///   then with keys that every service would refuse.
    func checkEnd(at now: AgeInstant) throws {
        guard let expiry, now >= expiry else { return }
        let end = expiration.map { " at \($0.formatted(.iso8601))" } ?? ""
        throw Self.refusal(
            "these keys ended\(end), as \(Self.endVariable) says; set new ones and start again")
    }

    private static func refusal(_ sentence: String) -> AWSError {
        AWSError(.noCredentials, sentence)
    }
}
