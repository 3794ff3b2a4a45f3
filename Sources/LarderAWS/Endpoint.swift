import Foundation

/// Where a service is.
struct Endpoint: Sendable {
    /// Scheme, host, port where it is not the scheme's own, and path.
    let url: String
    /// As the `Host` header has it: a port only where it is not the scheme's own.
    let host: String
    let path: String

    /// AWS's own.
    init(service: String, region: String) {
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        host = "\(service).\(region).\(domain)"
        url = "https://\(host)/"
        path = "/"
    }

    /// One that was given.
    ///
    /// - Throws: ``AWSError`` of kind ``AWSError/Kind/invalid``, which says what is accepted.
    init(_ text: String) throws(AWSError) {
        let accepted =
            "write a URL such as http://127.0.0.1:5000 or https://dynamodb.eu-west-1.amazonaws.com"
        // What stands before an @ may be a password: it is not repeated.
        guard !text.contains("@") else {
            throw AWSError(.invalid, "an endpoint names no user; \(accepted)")
        }
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme), let name = parts.percentEncodedHost, !name.isEmpty,
            parts.query == nil, parts.fragment == nil, (1...65_535).contains(parts.port ?? 1)
        else {
            throw AWSError(
                .invalid, "\"\(AWSError.printable(text))\" is no endpoint; \(accepted)")
        }
        let bracketed = name.contains(":") && !name.hasPrefix("[") ? "[\(name)]" : name
        let own = scheme == "https" ? 443 : 80
        host = bracketed + (parts.port.map { $0 == own ? "" : ":\($0)" } ?? "")
        path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        url = "\(scheme)://\(host)\(path)"
    }
}
