import HTTPTypes

/// What a request says of its signature (Signature Version 4), as far as it can be read.
struct SignedHead {
    var keyID: Substring
    /// `20150830`.
    var day: Substring
    var region: Substring
    var service: Substring
    var terminator: Substring
    /// The names, in their order.
    var signedHeaders: Substring
    var signature: Substring
    /// `20150830T123600Z`, as it was sent.
    var time: String

    static let algorithm = "AWS4-HMAC-SHA256"

    /// - Throws: ``Refusal`` in the order and the words of the service.
    init(_ fields: HTTPFields) throws(Refusal) {
        guard let authorization = fields[.authorization],
            authorization.utf8.starts(with: "AWS4-".utf8)
        else { throw .missingToken }
        let space = authorization.utf8.firstIndex(of: UInt8(ascii: " "))
        let algorithm = authorization[..<(space ?? authorization.endIndex)]
        var credential: Substring?
        var (signedHeaders, signature): (Substring?, Substring?)
        for part in authorization[(space ?? authorization.endIndex)...].cut(at: ",") {
            let pair = Substring(part.utf8.drop { $0 == 0x20 }).cut(at: "=", times: 1)
            guard pair.count == 2 else { continue }
            switch pair[0] {
            case "Credential": credential = pair[1]
            case "SignedHeaders": signedHeaders = pair[1]
            case "Signature": signature = pair[1]
            default: break
            }
        }
        let time = fields[.amzDate] ?? fields[.date]
        var lacking = [
            ("Credential", credential), ("Signature", signature),
            ("SignedHeaders", signedHeaders),
        ].filter { $0.1?.isEmpty ?? true }.map {
            "Authorization header requires '\($0.0)' parameter. "
        }
        if time == nil {
            lacking.append(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' "
                    + "header. ")
        }
        guard let credential, let signedHeaders, let signature, let time, lacking.isEmpty else {
            // The signature of another is not repeated.
            throw .incompleteSignature(lacking.joined())
        }
        guard algorithm == Self.algorithm else {
            throw .incompleteSignature(
                "Unsupported AWS 'algorithm': '\(algorithm)' (only AWS4-HMAC-SHA256 for now). ")
        }
        let scope = credential.cut(at: "/")
        guard scope.count == 5 else {
            throw .incompleteSignature(
                "Credential must have exactly 5 slash-delimited elements, e.g. "
                    + "keyid/date/region/service/term, got '\(credential)'")
        }
        (keyID, day, region, service) = (scope[0], scope[1], scope[2], scope[3])
        terminator = scope[4]
        (self.signedHeaders, self.signature, self.time) = (signedHeaders, signature, time)
    }
}

extension Substring {
    /// The pieces between the signs, those without anything in them too. By bytes: a signature is no
    /// people's text, and a hit has no time to look for what a person takes for one sign.
    func cut(at sign: Unicode.Scalar, times: Int = .max) -> [Substring] {
        utf8.split(
            separator: UInt8(ascii: sign), maxSplits: times, omittingEmptySubsequences: false
        ).map { Substring($0) }
    }

    /// Whether both are the same but for capitals, which names of headers may have.
    func isName(_ other: String) -> Bool {
        utf8.count == other.utf8.count
            && zip(utf8, other.utf8).allSatisfy { $0 == $1 || $0.small == $1.small }
    }
}

extension UInt8 {
    fileprivate var small: UInt8 { (0x41...0x5a).contains(self) ? self | 0x20 : self }
}

extension HTTPField.Name {
    static let amzDate = Self("x-amz-date")!
    static let amzSecurityToken = Self("x-amz-security-token")!
    static let amzTarget = Self("x-amz-target")!
}
