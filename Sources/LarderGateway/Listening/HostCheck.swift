import HTTPTypes

/// What a request to a port of the loopback has to keep to, whatever it asks for: web pages reach that
/// port too, and so does who has been talked into passing something on.
struct HostCheck: Sendable {
    /// The one host that is answered to: `127.0.0.1:5599`. A page that has its own name lead here
    /// still says that name.
    let host: String

    /// Headers that no SDK sends, and who passes on, or a browser, does.
    private static let strange = [
        "origin", "forwarded", "x-forwarded-for", "x-forwarded-host", "via", "sec-fetch-site",
    ].map { HTTPField.Name($0)! }

    /// - Throws: ``Refusal`` that says what is not accepted.
    func check(_ head: HTTPRequest) throws(Refusal) {
        guard head.authority == host else {
            throw .forbidden("the Host of a request to this gateway is \(host); use http://\(host)")
        }
        for name in Self.strange where head.headerFields.contains(name) {
            throw .forbidden(
                "requests with \(name.rawName) are not accepted: they come from a browser, or were "
                    + "passed on")
        }
    }
}
