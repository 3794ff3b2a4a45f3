/// What went wrong between us and AWS: one sentence that says what, where and what to do.
///
/// It holds what the service answered and never what we sent.
public struct AWSError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What a caller may want to tell apart.
    public struct Kind: Hashable, Sendable {
        private let name: String

        /// No keys to sign with.
        public static let noCredentials = Kind(name: "noCredentials")
        /// The table is there and the item is not.
        public static let missingItem = Kind(name: "missingItem")
        public static let unknownTable = Kind(name: "unknownTable")
        public static let denied = Kind(name: "denied")
        public static let expiredToken = Kind(name: "expiredToken")
        /// The service does not know the access key, or its session token.
        public static let unknownKey = Kind(name: "unknownKey")
        /// The signature is wrong: the secret, or the clock.
        public static let wrongSecret = Kind(name: "wrongSecret")
        public static let throttled = Kind(name: "throttled")
        /// What was asked for makes no sense.
        public static let invalid = Kind(name: "invalid")
        /// The service failed, or answered with a code not known here.
        public static let service = Kind(name: "service")
        /// No connection.
        public static let unreachable = Kind(name: "unreachable")
        /// The connection ended before the reply did.
        public static let cut = Kind(name: "cut")
        /// The reply is none that the service gives.
        public static let garbage = Kind(name: "garbage")
    }

    public let kind: Kind
    /// The service's own code, such as `AccessDeniedException`.
    public let code: String?
    public let requestID: String?
    public let description: String

    init(_ kind: Kind, code: String? = nil, requestID: String? = nil, _ description: String) {
        self.kind = kind
        self.code = code
        self.requestID = requestID
        self.description = description
    }

    /// Text of others made fit for a terminal: no control characters, and an end.
    static func printable(_ text: String) -> String {
        let shown = text.prefix(500).map { character in
            character.unicodeScalars.contains { $0.properties.generalCategory == .control }
                ? " " : character
        }
        return String(shown) + (text.count > 500 ? "…" : "")
    }
}

/// An error as a service writes it.
struct ServiceError {
    var code: String
    var message: String
    var requestID: String?
    var status: Int

    /// The sentence for it; `subject` is what was asked, such as `GetItem on "accounts"`.
    func error(_ subject: String, _ call: Call) -> AWSError {
        let (kind, advice) = call.advice(for: code, status: status)
        let request = requestID.map { " (request \(AWSError.printable($0)))" } ?? ""
        let text = message.isEmpty ? "" : ": \(AWSError.printable(message))"
        return AWSError(
            kind, code: code, requestID: requestID,
            "\(subject): \(AWSError.printable(code))\(request)\(text); \(advice)")
    }
}

/// An operation that is called, and what its failures mean to whoever called it.
struct Call {
    /// `GetItem`.
    var operation: String
    /// What the caller must be allowed, such as `dynamodb:GetItem`.
    var permission: String
    /// Where it went.
    var endpoint: String
    var region: String

    func advice(for code: String, status: Int) -> (AWSError.Kind, String) {
        switch code {
        case "AccessDenied", "AccessDeniedException", "NotAuthorized":
            return (.denied, denial)
        case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
            return (.expiredToken, "the session has ended; renew the keys")
        case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId",
            "MissingAuthenticationToken", "MissingAuthenticationTokenException":
            return (
                .unknownKey,
                "this access key is not known there; check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN"
            )
        case "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature",
            "IncompleteSignatureException":
            return (
                .wrongSecret,
                "the signature was refused; check AWS_SECRET_ACCESS_KEY and the machine's clock"
            )
        case "ResourceNotFoundException":
            return (.unknownTable, "check --table and --region (\(region))")
        case "Throttling", "ThrottlingException", "ThrottledException",
            "ProvisionedThroughputExceededException", "RequestLimitExceeded",
            "TooManyRequestsException", "LimitExceededException", "SlowDown":
            return (.throttled, "try again in a moment")
        case "ValidationException", "ValidationError", "SerializationException":
            return (
                .invalid, "check the table's key: its name, its type, and that it has no sort key"
            )
        default:
            let again = status >= 500 ? "the service failed; try again" : "the service refused"
            return (.service, "\(again) (HTTP \(status) from \(endpoint))")
        }
    }

    private var denial: String {
        permission == "sts:AssumeRole"
            ? "the caller needs sts:AssumeRole on the role, and the role must trust the caller"
            : "the caller needs \(permission) on it"
    }
}
