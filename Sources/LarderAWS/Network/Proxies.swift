import AsyncHTTPClient
import FoundationEssentials
import LarderInspector

/// A server that passes connections on.
struct Proxy: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    let host: String
    let port: Int
    /// The variable that names it.
    let variable: String
    let authorization: HTTPClient.Authorization?

    /// For a sentence; user and password stay out.
    var description: String { "the proxy \(host):\(port) of \(variable)" }
    var customMirror: Mirror { Mirror(self, children: []) }

    /// - Throws: ``AWSError`` of kind ``AWSError/Kind/invalid``; nothing of the text is repeated,
    ///   because it may hold a password.
    init(_ text: String, variable: String) throws(AWSError) {
        self.variable = variable
        let accepted = "write http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT"
        let refusal = AWSError(.invalid, "\(variable) is no proxy's address; \(accepted)")
        var rest = text[...]
        if let colons = text.firstRange(of: "://") {
            let scheme = text[..<colons.lowerBound].lowercased()
            guard scheme == "http" else {
                let shown = scheme.wholeMatch(of: /[a-z0-9+]{1,10}/) == nil ? "another" : scheme
                throw AWSError(
                    .invalid,
                    "\(variable) names a proxy of the kind \(shown), which is not supported; "
                        + accepted)
            }
            rest = text[colons.upperBound...]
        } else if text.hasPrefix("//") {
            rest = text.dropFirst(2)
        }
        rest = rest.prefix { !"/?#".contains($0) }
        var credentials: HTTPClient.Authorization?
        if let sign = rest.lastIndex(of: "@") {
            let parts = rest[..<sign].split(
                separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            rest = rest[rest.index(after: sign)...]
            let texts = parts.map { String($0).withoutPercents ?? "" }
            // As the other SDKs have it: a user without a password is not sent.
            if texts.count == 2, !texts.contains("") {
                credentials = .basic(username: texts[0], password: texts[1])
            }
        }
        let place = /(?<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]\s]+)(:(?<port>[0-9]{0,5}))?/
        guard let match = rest.wholeMatch(of: place) else { throw refusal }
        let digits = match.output.port.map(String.init) ?? ""
        guard let port = digits.isEmpty ? 80 : Int(digits), (1...65_535).contains(port) else {
            throw refusal
        }
        host = String(match.output.host.trimmed { "[]".contains($0) })
        self.port = port
        authorization = credentials
    }
}

/// Which connections go through a proxy: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, as Python's
/// `urllib` and with it botocore read them.
struct Proxies: Sendable {
    private let byScheme: [String: Proxy]
    /// `NO_PROXY` as it stands.
    private let exceptions: String?

    /// None at all.
    init() { (byScheme, exceptions) = ([:], nil) }

    /// - Throws: ``AWSError`` of kind ``AWSError/Kind/invalid``.
    init(_ environment: [String: String]) throws(AWSError) {
        var named: [String: (variable: String, value: String)] = [:]
        let all = environment.filter { $0.key.lowercased().hasSuffix("_proxy") }
            .sorted { $0.key < $1.key }
        func scheme(_ name: String) -> String { String(name.lowercased().dropLast(6)) }
        for (name, value) in all where !value.isEmpty { named[scheme(name)] = (name, value) }
        // What a web server passes on as HTTP_PROXY is a header of whoever asked it.
        if environment["REQUEST_METHOD"] != nil { named["http"] = nil }
        // A name in lower case comes first; where that is empty there is no proxy.
        for (name, value) in all where name.hasSuffix("_proxy") {
            named[scheme(name)] = value.isEmpty ? nil : (name, value)
        }
        var byScheme: [String: Proxy] = [:]
        for scheme in ["http", "https"] {
            guard let (variable, value) = named[scheme] else { continue }
            byScheme[scheme] = try Proxy(value, variable: variable)
        }
        self.byScheme = byScheme
        exceptions = named["no"]?.value
    }

    /// Each of them once.
    var all: Set<Proxy> { Set(byScheme.values) }

    func proxy(for url: String) -> Proxy? {
        guard let colons = url.firstRange(of: "://"),
            let proxy = byScheme[url[..<colons.lowerBound].lowercased()]
        else { return nil }
        let place = url[colons.upperBound...].prefix { !"/?#".contains($0) }
        return isException(place.lowercased()) ? nil : proxy
    }

    /// A host of `NO_PROXY`, or one below it, with its port or without. Ranges of addresses do not
    /// count, since no address is looked up here.
    private func isException(_ place: String) -> Bool {
        guard let exceptions else { return false }
        if exceptions == "*" { return true }
        var host = place
        if let match = place.wholeMatch(of: /(.*):[0-9]+/) { host = String(match.output.1) }
        return exceptions.split(separator: ",").contains { text in
            let entry = String(text).stripped
            guard !entry.isEmpty else { return false }
            let name = entry.drop { $0 == "." }.lowercased()
            return [host, place].contains { $0 == name || $0.hasSuffix("." + name) }
        }
    }
}
