import Crypto
import HTTPTypes
import LarderAWS
import LarderInspector

/// Finds out who signed a request, by what is known here.
struct Verifier: Sendable {
    let signers: KnownSigners
    /// The one region that requests may be signed for.
    let region: String
    /// Seconds since 1970.
    let now: @Sendable () -> Int64

    /// By how much a signature's time may differ: less than the services' own 15 minutes, because it
    /// comes from this machine.
    static let window: Int64 = 300

    /// - Throws: ``Refusal`` in the order and the words of the service, and what to do.
    func signer(
        of request: HTTPRequest, _ body: ArraySlice<UInt8>
    ) async throws(Refusal) -> KnownSigner {
        let head = try SignedHead(request.headerFields)
        try checkTime(head)
        let names = head.signedHeaders.cut(at: ";").filter { !$0.isEmpty }
        try checkNames(names, request)
        try checkScope(head)
        guard let signer = await signers.signer(String(head.keyID)) else {
            throw .unknownKey(head.keyID)
        }
        let text = stringToSign(head, names, request, body)
        guard let signature = Self.digest(head.signature) else { throw .wrongSignature }
        if signer.signs(text, as: signature, day: head.day, region: region) {
            return try checked(signer, request)
        }
        // Somebody may have written another secret for the same id.
        guard let other = await signers.signer(insteadOf: signer),
            other.signs(text, as: signature, day: head.day, region: region)
        else { throw .wrongSignature }
        return try checked(other, request)
    }

    private func checked(
        _ signer: KnownSigner, _ request: HTTPRequest
    ) throws(Refusal) -> KnownSigner {
        let sent = request.headerFields[.amzSecurityToken]
        guard signer.isToken(sent) else { throw .wrongToken }
        guard !signers.isOver(signer) else { throw .expiredToken }
        return signer
    }

    private func checkTime(_ head: SignedHead) throws(Refusal) {
        guard let time = BasicTime.seconds(head.time) else {
            throw .incompleteSignature(
                "Date must be in ISO-8601 'basic format'. Got '\(head.time)'. See "
                    + "http://en.wikipedia.org/wiki/ISO_8601")
        }
        let now = now()
        guard time >= now - Self.window else {
            throw .invalidSignature(
                "Signature expired: \(head.time) is now earlier than "
                    + "\(BasicTime.text(now - Self.window)) (\(BasicTime.text(now)) - 5 min.)")
        }
        guard time <= now + Self.window else {
            throw .invalidSignature(
                "Signature not yet current: \(head.time) is still later than "
                    + "\(BasicTime.text(now + Self.window)) (\(BasicTime.text(now)) + 5 min.)")
        }
    }

    /// What decides over the request has to be signed.
    private func checkNames(
        _ names: [Substring], _ request: HTTPRequest
    ) throws(Refusal) {
        func check(_ shown: String) throws(Refusal) {
            guard names.contains(where: { $0.isName(shown) }) else {
                throw .invalidSignature(
                    "'\(shown)' must be a 'SignedHeader' in the AWS Authorization.")
            }
        }
        try check("Host")
        for (name, shown) in [
            (HTTPField.Name.amzDate, "X-Amz-Date"), (.amzTarget, "X-Amz-Target"),
            (.amzSecurityToken, "X-Amz-Security-Token"),
        ] where request.headerFields.contains(name) { try check(shown) }
    }

    private func checkScope(_ head: SignedHead) throws(Refusal) {
        var wrong = ""
        if head.region != region {
            wrong +=
                "Credential should be scoped to a valid region, not '\(head.region)'. This gateway "
                + "serves \(region): set AWS_REGION to it. "
        }
        if head.service != "dynamodb" {
            wrong += "Credential should be scoped to correct service: 'dynamodb'. "
        }
        if head.terminator != "aws4_request" {
            wrong +=
                "Credential should be scoped with a valid terminator: 'aws4_request', not "
                + "'\(head.terminator)'. "
        }
        if !head.day.utf8.elementsEqual(head.time.utf8.prefix(8)) {
            wrong +=
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
                + "HTTP: '\(head.day)' != '\(head.time.prefix(8))', from '\(head.time)'. "
        }
        guard wrong.isEmpty else { throw .invalidSignature(wrong) }
    }

    // MARK: Canonical form

    private func stringToSign(
        _ head: SignedHead, _ names: [Substring], _ request: HTTPRequest,
        _ body: ArraySlice<UInt8>
    ) -> [UInt8] {
        var canonical: [UInt8] = []
        canonical.reserveCapacity(1024)
        canonical += "POST\n/\n\n".utf8
        for name in names {
            canonical += name.utf8
            canonical.append(UInt8(ascii: ":"))
            Self.appendValue(of: name, request, to: &canonical)
            canonical.append(UInt8(ascii: "\n"))
        }
        canonical.append(UInt8(ascii: "\n"))
        canonical += head.signedHeaders.utf8
        canonical.append(UInt8(ascii: "\n"))
        Self.appendHex(SHA256.hash(data: body), to: &canonical)

        var text: [UInt8] = []
        text.reserveCapacity(256)
        text += "AWS4-HMAC-SHA256\n".utf8
        text += head.time.utf8
        text.append(UInt8(ascii: "\n"))
        text += "\(head.day)/\(region)/dynamodb/aws4_request\n".utf8
        Self.appendHex(SHA256.hash(data: canonical), to: &text)
        return text
    }

    /// All values of a header, with commas between them, their blanks folded.
    private static func appendValue(
        of name: Substring, _ request: HTTPRequest, to bytes: inout [UInt8]
    ) {
        if name == "host" { return appendFolded(request.authority ?? "", to: &bytes) }
        var isFirst = true
        for field in request.headerFields where name.isName(field.name.canonicalName) {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            appendFolded(field.value, to: &bytes)
            isFirst = false
        }
    }

    private static func appendFolded(_ value: String, to bytes: inout [UInt8]) {
        var isBlank = true
        for byte in value.utf8 {
            let blank = byte == 0x20 || byte == 0x09
            if blank, isBlank { continue }
            bytes.append(blank ? 0x20 : byte)
            isBlank = blank
        }
        if isBlank, bytes.last == 0x20 { bytes.removeLast() }
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private static func appendHex(_ digest: SHA256.Digest, to bytes: inout [UInt8]) {
        for byte in digest {
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        }
    }

    /// The 32 bytes that 64 digits are.
    private static func digest(_ hex: Substring) -> [UInt8]? {
        let digits = Array(hex.utf8)
        guard digits.count == 64 else { return nil }
        func value(_ digit: UInt8) -> UInt8? {
            switch digit {
            case 0x30...0x39: digit - 0x30
            case 0x61...0x66: digit - 0x61 + 10
            default: nil
            }
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        for place in stride(from: 0, to: 64, by: 2) {
            guard let high = value(digits[place]), let low = value(digits[place + 1]) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}
