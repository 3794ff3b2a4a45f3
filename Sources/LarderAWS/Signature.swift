package import Crypto
public import FoundationEssentials
import Glibc
import LarderInspector

/// A request as far as its signature depends on it.
public struct SignedRequest: Sendable {
    /// In capitals: `POST`.
    public var method: String
    /// The path as it is sent, percent-encoding included.
    public var path: String
    /// Decoded names and values.
    public var query: [(name: String, value: String)]
    /// All headers to sign, `Host` among them.
    public var headers: [(name: String, value: String)]
    /// The whole body, whose digest is signed.
    public var body: [UInt8]

    /// A `POST` of `/` without a query, where nothing else is said.
    public init(
        method: String = "POST", path: String = "/", query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)], body: [UInt8]
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }
}

/// Signature Version 4: a pure function of request, credentials, scope and date.
///
/// Source: AWS General Reference, "Signature Version 4 signing process"; where that leaves room
/// (which headers, how blanks are folded), the choice is that of AWS's own SDKs.
public struct Signature: Sendable {
    /// The region whose name stands in the scope: `eu-west-1`.
    public var region: String
    /// The signing name: `dynamodb`, `sts`.
    public var service: String

    /// The scope of a signature; a service goes by its signing name: `dynamodb`, `sts`.
    public init(region: String, service: String) {
        self.region = region
        self.service = service
    }

    /// The headers to add to the request: `X-Amz-Date`, `X-Amz-Security-Token` where there is a
    /// token, and `Authorization`.
    public func headers(
        for request: SignedRequest, _ credentials: Credentials, at date: Date
    ) -> [(name: String, value: String)] {
        let time = Self.timestamp(date)
        var added = [("X-Amz-Date", time)]
        if let token = credentials.sessionToken {
            added.append(("X-Amz-Security-Token", token.reveal()))
        }
        let (headers, names) = Self.canonicalHeaders(request.headers + added)
        let canonical = [
            request.method, Self.canonicalPath(request.path), Self.canonicalQuery(request.query),
            headers, names, Self.hex(SHA256.hash(data: request.body)),
        ].joined(separator: "\n")
        let scope = "\(time.prefix(8))/\(region)/\(service)/aws4_request"
        let text = [
            "AWS4-HMAC-SHA256", time, scope, Self.hex(SHA256.hash(data: Data(canonical.utf8))),
        ].joined(separator: "\n")
        let signature = Self.hex(
            HMAC<SHA256>.authenticationCode(
                for: Data(text.utf8), using: key(credentials, day: String(time.prefix(8)))))
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), "
            + "SignedHeaders=\(names), Signature=\(signature)"
        return added + [("Authorization", authorization)]
    }

    /// What a day's requests are signed with: of use for this scope alone.
    package func key(_ credentials: Credentials, day: String) -> SymmetricKey {
        var bytes = credentials.secretAccessKey.withBytes { Array("AWS4".utf8) + $0 }
        let secret = SymmetricKey(data: bytes)
        bytes.withUnsafeMutableBytes { explicit_bzero($0.baseAddress!, $0.count) }
        return [day, region, service, "aws4_request"].reduce(secret) { key, part in
            SymmetricKey(
                data: HMAC<SHA256>.authenticationCode(for: Data(part.utf8), using: key))
        }
    }

    // MARK: Canonical form

    /// Headers that proxies and clients change on the way.
    private static let unsigned: Set<String> = [
        "baggage", "connection", "expect", "keep-alive", "proxy-authenticate",
        "proxy-authorization", "te", "traceparent", "tracestate", "trailer", "transfer-encoding",
        "upgrade", "user-agent", "x-amzn-trace-id",
    ]

    /// Lower-case names in order, blanks folded, repeated ones joined; and the list of names.
    private static func canonicalHeaders(
        _ headers: [(name: String, value: String)]
    ) -> (lines: String, names: String) {
        var values: [String: [String]] = [:]
        for header in headers {
            let name = header.name.lowercased()
            guard !unsigned.contains(name) else { continue }
            let words = header.value.unicodeScalars.split(whereSeparator: \.properties.isWhitespace)
            values[name, default: []].append(words.map { String($0) }.joined(separator: " "))
        }
        let names = values.keys.sorted()
        let lines = names.map { "\($0):\(values[$0]!.joined(separator: ","))\n" }.joined()
        return (lines, names.joined(separator: ";"))
    }

    /// Dots and empty parts taken out, then encoded once more, as for every service but S3.
    private static func canonicalPath(_ path: String) -> String {
        var parts: [String] = []
        // Scalars, because a slash and the mark after it are one character.
        for part in path.unicodeScalars.split(separator: "/").map(String.init) where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        let last = path.unicodeScalars.last == "/" && !parts.isEmpty ? "/" : ""
        return "/" + parts.map(encoded).joined(separator: "/") + last
    }

    private static func canonicalQuery(_ query: [(name: String, value: String)]) -> String {
        query.map { (encoded($0.name), encoded($0.value)) }
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }
            .map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    /// Percent-encoding that leaves only RFC 3986's unreserved characters.
    static func encoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default: encoded += "%" + hex([byte]).uppercased()
            }
        }
        return encoded
    }

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    /// `20150830T123600Z`.
    static func timestamp(_ date: Date) -> String {
        var time = time_t(date.timeIntervalSince1970.rounded(.down))
        var parts = tm()
        gmtime_r(&time, &parts)
        let year = String(parts.tm_year + 1900)
        let date = [parts.tm_mon + 1, parts.tm_mday].map { Units.twoDigits($0) }.joined()
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { Units.twoDigits($0) }
            .joined()
        return String(repeating: "0", count: max(0, 4 - year.count)) + "\(year)\(date)T\(clock)Z"
    }
}
