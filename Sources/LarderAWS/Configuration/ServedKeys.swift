import FoundationEssentials
import Larder
import LarderInspector

/// Credentials as programs and endpoints hand them out: JSON with AWS's own names.
struct ServedKeys: Decodable {
    var Version: Int?
    var AccessKeyId: String?
    var SecretAccessKey: String?
    var SessionToken: String?
    var Token: String?
    var Expiration: String?
    var RoleArn: String?
    var Code: String?
    var Message: String?
    /// Fields that are there and hold something else than they should.
    private var wrong: Set<String> = []

    private enum CodingKeys: String, CodingKey {
        case Version, AccessKeyId, SecretAccessKey, SessionToken, Token, Expiration, RoleArn, Code
        case Message
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        var wrong: Set<String> = []
        func value<Value: Decodable>(_ key: CodingKeys, _ type: Value.Type) -> Value? {
            do { return try container.decodeIfPresent(type, forKey: key) } catch {
                wrong.insert(key.rawValue)
                return nil
            }
        }
        Version = value(.Version, Int.self)
        AccessKeyId = value(.AccessKeyId, String.self)
        SecretAccessKey = value(.SecretAccessKey, String.self)
        SessionToken = value(.SessionToken, String.self)
        Token = value(.Token, String.self)
        Expiration = value(.Expiration, String.self)
        RoleArn = value(.RoleArn, String.self)
        Code = value(.Code, String.self)
        Message = value(.Message, String.self)
        self.wrong = wrong
    }

    /// What the endpoint says went wrong: its own code and message.
    var refusal: String? {
        guard let Code, Code != "Success" else { return nil }
        return AWSError.printable(Message.map { "\(Code): \($0)" } ?? Code)
    }

    /// - Parameter extension: For how long from now keys are served whose end is nearer; `nil`
    ///   where an end counts as it stands.
    /// - Throws: ``AWSError`` that begins with `who` and repeats nothing of the text.
    func credentials(
        from who: String, _ source: KeySource, clock: AgeClock,
        extension longer: Duration? = nil
    ) throws -> Credentials {
        for field in wrong.sorted() where field != "Version" {
            throw AWSError(.noCredentials, "\(who) gave \(field) as something else than text")
        }
        func missing(_ name: String) -> AWSError {
            AWSError(.noCredentials, "\(who) gave no \(name)")
        }
        guard let id = AccessKeyId, !id.isEmpty else { throw missing("AccessKeyId") }
        guard let secret = SecretAccessKey, !secret.isEmpty else {
            throw missing("SecretAccessKey")
        }
        let token = (SessionToken ?? Token).flatMap { $0.isEmpty ? nil : $0 }
        for (name, text) in [
            ("AccessKeyId", id), ("SecretAccessKey", secret),
            (SessionToken == nil ? "Token" : "SessionToken", token ?? ""),
        ] where !text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) {
            throw AWSError(
                .noCredentials,
                "\(who) gave \(name) with a line's end or another character that no key has")
        }
        var expiry: AgeInstant?
        var expiration: Date?
        if let text = Expiration {
            guard let date = looseTime(text) else {
                throw AWSError(
                    .noCredentials,
                    "\(who) gave \"\(AWSError.printable(text))\" as Expiration; a time with its "
                        + "zone such as 2026-11-23T08:37:38Z is expected")
            }
            expiration = date
            var life = Duration.seconds(date.timeIntervalSinceNow)
            if let longer { life = max(life, longer) }
            guard life > .zero else {
                throw AWSError(.noCredentials, "\(who) gave credentials that have expired already")
            }
            expiry = clock.now() + life
        }
        var keys = Credentials(
            accessKeyID: id, secretAccessKey: Secret(secret),
            sessionToken: token.map { Secret($0) }, expiry: expiry, expiration: expiration,
            role: RoleArn)
        keys.source = source
        return keys
    }
}
