public import FoundationEssentials
import Larder
import LarderInspector

/// What went wrong between us and AWS: one sentence that says what, where and what to do.
///
/// It holds what the service answered and never what we sent.
public struct AWSError: Error, Hashable, Sendable, CustomStringConvertible, LocalizedError {
    /// What a caller may want to tell apart.
    public struct Kind: Hashable, Sendable, CustomStringConvertible {
        private enum Name: String {
            case noCredentials, missingItem, unknownTable, denied, expiredToken, unknownKey
            case wrongSecret, wrongTime, throttled, invalid, service, unreachable, cut, corrupt,
                garbage
        }

        private let name: Name
        private init(_ name: Name) { self.name = name }
        public var description: String { name.rawValue }

        /// No keys to sign with.
        public static let noCredentials = Kind(.noCredentials)
        /// The table is there and the item is not.
        public static let missingItem = Kind(.missingItem)
        /// There is no such table in the region, by `ResourceNotFoundException`.
        public static let unknownTable = Kind(.unknownTable)
        /// Whoever asked lacks a permission, or what proves who asks is not accepted.
        public static let denied = Kind(.denied)
        /// The session that signed has ended.
        public static let expiredToken = Kind(.expiredToken)
        /// The service does not know the access key, or its session token.
        public static let unknownKey = Kind(.unknownKey)
        /// The signature is wrong: the secret, or the clock.
        public static let wrongSecret = Kind(.wrongSecret)
        /// The signature's date is too far from the service's clock.
        public static let wrongTime = Kind(.wrongTime)
        /// The service has been asked too often, or has too much to do.
        public static let throttled = Kind(.throttled)
        /// What was asked for makes no sense.
        public static let invalid = Kind(.invalid)
        /// The service failed, or answered with a code not known here.
        public static let service = Kind(.service)
        /// No connection, or no whole reply in time.
        public static let unreachable = Kind(.unreachable)
        /// The connection ended before the reply did.
        public static let cut = Kind(.cut)
        /// The reply is not what its checksum says.
        public static let corrupt = Kind(.corrupt)
        /// The reply is none that the service gives.
        public static let garbage = Kind(.garbage)
    }

    /// What went wrong.
    public let kind: Kind
    /// What was called, such as `GetItem`; `nil` where nothing was sent.
    public let operation: String?
    /// The service's own code, such as `AccessDeniedException`.
    public let code: String?
    /// The service's own id of the request, for AWS's support; `nil` where the service gave none.
    public let requestID: String?
    /// What was called, on what, what came of it, and what to do: one line, fit for a terminal.
    public let description: String
    /// The same without what another program said, if one did: that is for the one who runs this,
    /// and a log is kept and read by others.
    package let forLogs: String
    /// The service says that it may be over soon.
    var isTransient = false
    /// No answer came in time.
    var isLate = false
    /// The service answered, and would answer the same again.
    var isRefusal = false
    /// How long the service asked to wait before another try.
    var retryAfter: Duration?

    /// The same as ``description``, for `localizedDescription`.
    public var errorDescription: String? { description }

    init(
        _ kind: Kind, operation: String? = nil, code: String? = nil, requestID: String? = nil,
        _ description: String, saidByProgram said: String = ""
    ) {
        self.kind = kind
        self.operation = operation
        self.code = code.map { Self.printable($0) }
        self.requestID = requestID.map { Self.printable($0) }
        let said = Self.printable(String(said[...].trimmed(where: \.isWhitespace)))
        self.description = said.isEmpty ? description : "\(description): \(said)"
        forLogs = said.isEmpty ? description : "\(description); run by hand it says why"
    }

    /// A wrong clock shows as one of these.
    var isAboutSignature: Bool { [.wrongTime, .wrongSecret, .expiredToken].contains(kind) }

    /// "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role
    /// chaining".
    var isAboutChaining: Bool {
        code == "ValidationError" && description.contains("role chaining")
    }

    /// Text of others made fit for a terminal: one line, left to right, of bounded length.
    static func printable(_ text: String) -> String {
        // Scalars, because a single character may be as long as the text.
        let most = 500
        let rest = text.unicodeScalars.dropFirst(most)
        return PlainText.fit(String(text.unicodeScalars.prefix(most))) + (rest.isEmpty ? "" : "…")
    }
}
