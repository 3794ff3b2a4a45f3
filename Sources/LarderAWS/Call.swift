/// An operation that is called: what an error is about, and what it means to whoever called.
struct Call {
    /// The service's signing name, which its actions have before their colon: `dynamodb`, `sts`.
    var service: String
    /// `GetItem`.
    var operation: String
    /// On what, as a sentence goes on: `on "accounts"`.
    var subject: String
    var endpoint: Endpoint
    /// What leads to the endpoint, where it is not reached straight.
    var proxy: Proxy?
    var region: String
    var isSigned = true

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
        return error
    }

    /// A refusal that is none of the service's.
    func unexplained(status: Int) -> AWSError {
        guard status >= 500 else {
            return error(
                .garbage,
                "\(endpoint.url) answered HTTP \(status) and nothing that \(service) says; "
                    + "check --endpoint-url")
        }
        var error = error(
            .service,
            "\(endpoint.url) failed with HTTP \(status) and said no more; try again in a moment")
        error.isTransient = true
        return error
    }

    private func advice(for answer: ServiceError) -> (AWSError.Kind, String) {
        switch answer.code {
        case "AccessDenied", "AccessDeniedException", "NotAuthorized":
            return (.denied, denial)
        case "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture":
            return (.wrongTime, "set the machine's clock")
        case "SignatureDoesNotMatch" where answer.isAboutTime,
            "InvalidSignatureException" where answer.isAboutTime:
            return (.wrongTime, "set the machine's clock")
        case "ExpiredToken", "ExpiredTokenException":
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
        case _ where ServiceError.throttles.contains(answer.code):
            return (.throttled, "try again in a moment")
        case "ValidationException" where service == "dynamodb":
            return (
                .invalid,
                "check --key against the table: its name, its type (NAME:number for a number), and "
                    + "whether there is a sort key (--sort-key)"
            )
        case "ValidationException", "ValidationError", "SerializationException":
            return (.invalid, "check what was asked for")
        case _ where answer.status >= 500:
            return (.service, "the service failed (HTTP \(answer.status)); try again in a moment")
        default:
            return (.service, "\(endpoint.url) refused (HTTP \(answer.status))")
        }
    }

    private var denial: String {
        service == "sts"
            ? "the caller needs sts:\(operation) on the role, and the role must trust the caller"
            : "the caller needs \(service):\(operation) on it"
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
