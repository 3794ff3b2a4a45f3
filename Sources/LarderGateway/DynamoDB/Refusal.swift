import LarderAWS

/// What DynamoDB would not do, in its own form: a JSON body whose type SDKs make an exception of.
package struct Refusal: Error, Equatable {
    var status = 400
    /// `com.amazon.coral.service#UnrecognizedClientException`.
    var type: String
    var message: String?

    private static func service(_ name: String, _ message: String?) -> Refusal {
        Refusal(type: "com.amazon.coral.service#\(name)", message: message)
    }

    static let serialization = service("SerializationException", nil)
    static let unknownOperation = service("UnknownOperationException", nil)

    static func invalid(_ message: String) -> Refusal {
        Refusal(type: "com.amazon.coral.validate#ValidationException", message: message)
    }

    // MARK: Signatures

    private static var advice: String { SettingNames.inUse.otherKeys }

    static var missingToken: Refusal {
        service(
            "MissingAuthenticationTokenException",
            "Request is missing Authentication Token: larder's gateway answers signed requests; "
                + advice)
    }

    static func incompleteSignature(_ what: String) -> Refusal {
        service("IncompleteSignatureException", what)
    }

    static func invalidSignature(_ what: String) -> Refusal {
        service("InvalidSignatureException", what)
    }

    static func unknownKey(_ id: Substring) -> Refusal {
        service(
            "UnrecognizedClientException",
            "The security token included in the request is invalid: larder's gateway does not know "
                + "the access key …\(id.suffix(4)); \(advice)")
    }

    static let wrongSignature = service(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your "
            + "AWS Secret Access Key and signing method. Consult the service documentation for "
            + "details.")

    static let wrongToken = service(
        "UnrecognizedClientException",
        "The security token included in the request is invalid: it is not the one that goes with "
            + "the access key; \(advice)")

    /// Whether nobody is known to have sent it.
    var isUnknownSender: Bool {
        type.hasSuffix("MissingAuthenticationTokenException")
            || type.hasSuffix("UnrecognizedClientException")
    }

    static let expiredToken = service(
        "ExpiredTokenException", "The security token included in the request is expired")

    // MARK: The gateway's own

    static func forbidden(_ what: String) -> Refusal {
        Refusal(
            status: 403, type: "com.amazon.coral.service#AccessDeniedException", message: what)
    }

    static func tooLarge(_ limit: Int) -> Refusal {
        Refusal(
            status: 413, type: "com.amazon.coral.service#RequestEntityTooLargeException",
            message: "a request of DynamoDB has \(limit >> 20) MB at most")
    }

    static let tooMuch = Refusal(
        status: 503, type: "com.amazonaws.dynamodb.v20120810#ServiceUnavailable",
        message: "larder's gateway has as much to read as it takes at once; try again in a moment")

    /// There is nothing behind the gateway, for whatever reason.
    package static func unavailable(_ what: String) -> Refusal {
        Refusal(
            status: 503, type: "com.amazonaws.dynamodb.v20120810#ServiceUnavailable", message: what)
    }

    /// Whether something of the request was left unread.
    var endsConnection: Bool { status == 413 || status == 503 || status == 403 }

    static func loop(_ what: String) -> Refusal {
        Refusal(status: 508, type: "com.amazon.coral.service#LoopDetectedException", message: what)
    }

    /// There was no answer, or half of one: what the service would have said nobody knows.
    static func unreachable(_ what: String) -> Refusal {
        Refusal(
            status: 500, type: "com.amazonaws.dynamodb.v20120810#InternalServerError",
            message: what)
    }
}
