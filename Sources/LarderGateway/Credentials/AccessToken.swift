import FoundationEssentials
package import LarderInspector

/// What has to stand in the Authorization header of whoever asks for credentials: 32 random bytes, in
/// letters that a header and a variable take as they are.
package struct AccessToken: Sendable {
    private let secret: Secret

    /// Another one each time.
    package init() {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        // Base64 for addresses (RFC 4648, 5), without what fills it up.
        let text = Data(bytes).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        secret = Secret(text)
    }

    /// One that whoever may ask has already.
    package init(known secret: Secret) { self.secret = secret }

    /// The text itself, for whoever may ask.
    package func reveal() -> String { secret.reveal() }

    func isExactly(_ sent: String) -> Bool { secret.isExactly(sent) }
}

extension Secret {
    /// Whether a text that was sent is this one, in time that tells nothing of where it differs.
    func isExactly(_ sent: String) -> Bool {
        withBytes { own in
            let sent = Array(sent.utf8)
            guard own.count == sent.count else { return false }
            // All of it, wherever the first difference is.
            return zip(own, sent).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
        }
    }
}
