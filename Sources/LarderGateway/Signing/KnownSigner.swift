import Synchronization
import Crypto
import Larder
import LarderAWS
import LarderInspector

/// Keys that are known here, and whose they are.
final class KnownSigner: Sendable {
    let keys: Credentials
    let identity: Identity
    private let signing = Guarded<Signing?>(nil)

    /// What a day's requests are signed with.
    private struct Signing {
        var day: String
        var region: String
        var key: SymmetricKey
    }

    init(keys: Credentials, identity: Identity) {
        self.keys = keys
        self.identity = identity
    }

    var id: String { keys.accessKeyID }

    /// Whether a digest is what these keys make of a text, for DynamoDB; in time that tells nothing.
    func signs(
        _ text: [UInt8], as signature: [UInt8], day: Substring, region: String
    ) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(
            signature, authenticating: text, using: key(day: day, region: region))
    }

    private func key(day: Substring, region: String) -> SymmetricKey {
        let known = signing.withLock { signing in
            signing.flatMap { $0.day == day && $0.region == region ? $0.key : nil }
        }
        if let known { return known }
        let day = String(day)
        let key = Signature(region: region, service: "dynamodb").key(keys, day: day)
        signing.withLock { $0 = Signing(day: day, region: region, key: key) }
        return key
    }
}

extension KnownSigner {
    /// Whether a request's session token is the one that goes with these keys: none, where they have
    /// none.
    func isToken(_ sent: String?) -> Bool {
        guard let token = keys.sessionToken else { return sent == nil }
        guard let sent else { return false }
        return token.isExactly(sent)
    }
}
