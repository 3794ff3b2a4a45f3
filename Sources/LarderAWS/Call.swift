/// An operation that is called: what an error is about, and what it means to whoever called.
struct Call {
    /// The service's signing name, which its actions have before their colon: `dynamodb`, `sts`.
    var service: String
    /// `GetItem`.
    var operation: String
    /// On what, as a sentence goes on: `on "accounts"`.
    var subject: String
    var endpoint: Endpoint
    /// The proxy that leads to the endpoint, if one does.
    var proxy: Proxy?
    var region: String
    var isSigned = true
    /// Where the keys are from that it is signed with, as far as that is known.
    var keys: KeySource?

    /// Something that went wrong before or beside the service's own answer.
    func error(_ kind: AWSError.Kind, _ what: String) -> AWSError {
        AWSError(kind, operation: operation, "\(operation) \(subject): \(what)")
    }

    /// The service's answer with what to do about it.
    func error(_ answer: ServiceError) -> AWSError {
        let (kind, advice) = advice(for: answer)
        let request = answer.requestID.map { " (request \(AWSError.printable($0)))" } ?? ""
        var message = AWSError.printable(answer.message)
        while message.last == "." { message.removeLast() }
        var error = AWSError(
            kind, operation: operation, code: answer.code, requestID: answer.requestID,
            "\(operation) \(subject): \(AWSError.printable(answer.code))\(request)"
                + (message.isEmpty ? "" : ": \(message)") + "; \(advice)")
        error.isTransient = answer.isTransient
        error.isLate = answer.isLate
        error.isRefusal = (400..<500).contains(answer.status) && !answer.isTransient
        return error
    }

    /// A refusal that is not one of the service's own.
    func unexplained(status: Int) -> AWSError {
        if ServiceError.throttlingStatuses.contains(status) {
            return error(
                .throttled,
                "\(endpoint.url) has too much to do (HTTP \(status)) and said no more; try again in "
                    + "a moment")
        }
        guard status >= 500 else {
            var error = error(
                .garbage,
                "\(endpoint.url) answered HTTP \(status) and nothing that \(service) says; "
                    + "check \(SettingNames.inUse.endpointURL)")
            error.isLate = status == 408
            return error
        }
        var error = error(
            .service,
            "\(endpoint.url) failed with HTTP \(status) and said no more; try again in a moment")
        error.isTransient = true
        error.isLate = status == 504
        return error
    }

    private func advice(for answer: ServiceError) -> (AWSError.Kind, String) {
        // Whatever the body says, this is what it means.
        if ServiceError.throttlingStatuses.contains(answer.status) {
            return (.throttled, "try again in a moment")
        }
        switch ServiceError.plain(answer.code) {
        case "AccessDenied", "NotAuthorized":
            return (.denied, denial(answer.message))
        case "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture":
            return (.wrongTime, "set the machine's clock")
        case "SignatureDoesNotMatch" where answer.isAboutTime,
            "InvalidSignature" where answer.isAboutTime:
            return (.wrongTime, "set the machine's clock")
        case "ExpiredToken":
            return (.expiredToken, keys?.refresh ?? "the session has ended; renew the keys")
        case "InvalidClientTokenId", "UnrecognizedClient", "InvalidAccessKeyId",
            "MissingAuthenticationToken":
            return (
                .unknownKey,
                "this access key is not known there; " + (keys ?? .environment).remedyOfID
            )
        case "SignatureDoesNotMatch", "InvalidSignature", "IncompleteSignature":
            return (
                .wrongSecret,
                "the signature was refused; \((keys ?? .environment).remedyOfSecret) and the "
                    + "machine's clock"
            )
        case "ResourceNotFound" where Self.ofStreams.contains(operation):
            return (
                .unknownTable,
                "check the table's name, its stream and \(SettingNames.inUse.region) (\(region))"
            )
        case "ResourceNotFound":
            return (.unknownTable, "check --table and \(SettingNames.inUse.region) (\(region))")
        case _ where ServiceError.throttles.contains(answer.code):
            return (.throttled, "try again in a moment")
        case "Validation" where service == "dynamodb":
            return (
                .invalid,
                "check --key against the table: its name, its type (NAME:number for a number), and "
                    + "whether there is a sort key (--sort-key)"
            )
        case let code where service == "sts" && Self.adviceOfSTS[code] != nil:
            let (kind, advice) = Self.adviceOfSTS[code]!
            return (kind, advice(self))
        case "Validation", "ValidationError", "Serialization":
            return (.invalid, "check what was asked for")
        case _ where answer.status >= 500:
            return (.service, "the service failed (HTTP \(answer.status)); try again in a moment")
        default:
            return (.service, "\(endpoint.url) refused (HTTP \(answer.status))")
        }
    }

    private static let ofStreams: Set = [
        "ListStreams", "DescribeStream", "GetShardIterator", "GetRecords",
    ]

    /// What to do about errors that only STS has.
    private static let adviceOfSTS: [String: (AWSError.Kind, @Sendable (Call) -> String)] = [
        "PackedPolicyTooLarge": (
            .invalid,
            { _ in
                "policies and tags are too large together; shorten --policy, or leave some "
                    + "--policy-arn or --tag out"
            }
        ),
        "MalformedPolicyDocument": (
            .invalid, { _ in "the session policy is no policy of IAM's; check --policy" }
        ),
        "RegionDisabled": (
            .service,
            { call in
                "the account has STS switched off in \(call.region); switch it on in IAM's account "
                    + "settings, or name another \(SettingNames.inUse.region)"
            }
        ),
        "InvalidIdentityToken": (
            .denied,
            { call in
                "check \(call.token): its issuer and its audience have to be those of the role's "
                    + "identity provider"
            }
        ),
        "IDPRejectedClaim": (
            .denied, { call in "its issuer rejected \(call.token); have it written anew" }
        ),
        "IDPCommunicationError": (
            .service, { _ in "AWS did not reach the token's issuer; try again in a moment" }
        ),
    ]

    private var token: String {
        guard case .token(let file) = keys else { return "the web identity's token" }
        return "the web identity's token in \(file)"
    }

    /// Who lacks which permission: the one that the service names, or else the operation's own.
    private func denial(_ message: String) -> String {
        let said = message.firstMatch(
            of: /[Nn]ot authorized to perform:? ([A-Za-z0-9-]+:[A-Za-z0-9]+)/)
        let own = "\(service):\(operation)"
        let lacking = said.map { String($0.1) } ?? own
        if let policy = message.firstMatch(of: /with an explicit deny in an? ([a-z -]+)/)?.1 {
            return "\(lacking) is denied explicitly, by the \(policy); that has to go first"
        }
        guard service == "sts" else { return "the caller needs \(lacking) on it" }
        guard isSigned else {
            return "the role must trust the identity provider, for \(lacking) and this token"
        }
        // The role's trust has to allow what goes with assuming it as well.
        return "the caller needs \(lacking) on the role, and the role must trust the caller"
            + (lacking == own ? "" : " with it")
    }
}

/// An error as a service writes it.
struct ServiceError {
    var code: String
    var message: String
    var requestID: String?
    var status: Int

    /// "Signature expired: … is now earlier than …", "Signature not yet current: …".
    var isAboutTime: Bool {
        message.hasPrefix("Signature expired") || message.hasPrefix("Signature not yet current")
    }

    /// `AccessDenied` of `AccessDeniedException`: each service has its own way.
    static func plain(_ code: String) -> String {
        code.hasSuffix("Exception") ? String(code.dropLast("Exception".count)) : code
    }

    /// "Too many requests" and "service unavailable".
    static let throttlingStatuses: Set = [429, 503]

    var isTransient: Bool {
        [500, 502, 503, 504].contains(status) || Self.transient.contains(code)
    }

    static let transient: Set = [
        "RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete",
        "IDPCommunicationError", "InternalServerError", "InternalFailure", "ServiceUnavailable",
    ]

    static let throttles: Set = [
        "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException",
        "TooManyRequestsException", "ProvisionedThroughputExceededException",
        "TransactionInProgressException", "RequestLimitExceeded", "BandwidthLimitExceeded",
        "LimitExceededException", "RequestThrottled", "SlowDown", "EC2ThrottledException",
    ]
}
