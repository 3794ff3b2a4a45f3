import FoundationEssentials
import Larder

/// Where credentials come from. It keeps nothing: who asks twice is answered anew.
public protocol CredentialProvider: Sendable {
    /// What tells this identity from another, such as a key id or a profile; never a secret.
    var identity: String { get }
    /// Whether what it gives are known to be sessions of a role.
    var givesSessions: Bool { get }
    /// What there is to sign with now, asked for anew.
    ///
    /// - Throws: ``AWSError``, of kind ``AWSError/Kind/noCredentials`` where there is nothing.
    func credentials() async throws -> Credentials
}

/// Keys that stand somewhere as they are.
struct StaticProvider: CredentialProvider {
    var keys: Credentials
    var clock: AgeClock
    var identity: String { keys.accessKeyID }
    /// A token tells nothing: a user's session has one too, and is no role's.
    var givesSessions: Bool { false }
    func credentials() throws -> Credentials {
        try keys.checkEnd(at: clock.now())
        return keys
    }
}

/// A role, assumed with the credentials of another provider.
struct RoleProvider: CredentialProvider {
    var request: RoleRequest
    var source: any CredentialProvider
    var client: AWSClient
    /// Asks for the code of a device.
    var code: (@Sendable (_ serialNumber: String) async throws -> String)?

    var identity: String { "\(request.shownKey) by \(source.identity)" }
    var givesSessions: Bool { true }

    func credentials() async throws -> Credentials {
        // A request that cannot be sent needs no code.
        try request.check()
        var token: String?
        if let serial = request.serialNumber { token = try await self.code(of: serial) }
        let source = source
        return try await client.signing(
            with: { try await source.credentials() }, from: source.identity
        ).sts.assumeRole(request, tokenCode: token)
    }

    private func code(of serial: String) async throws -> String {
        guard let code else {
            throw AWSError(
                .noCredentials,
                "\(request.role.arn) wants the code of \(serial), and there is no terminal to "
                    + "ask for it; use keys that need none")
        }
        let digits = try await code(serial)
        guard digits.utf8.count == 6, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw AWSError(
                .noCredentials,
                "\(request.role.arn) wants the code of \(serial), and what was given are not the six "
                    + "digits that it shows")
        }
        return digits
    }
}

/// A role, assumed with a token that somebody else has written to a file.
struct WebIdentityProvider: CredentialProvider {
    var role: IAMRole
    var sessionName: String
    var tokenFile: String
    /// Where the file is named.
    var place: String
    var client: AWSClient

    var identity: String { "\(role.arn) by \(tokenFile)" }
    var givesSessions: Bool { true }

    func credentials() async throws -> Credentials {
        // Whoever writes it writes a new one before the old one ends.
        guard let text = try? String(contentsOfFile: tokenFile, encoding: .utf8) else {
            throw AWSError(
                .noCredentials,
                "\(AWSError.printable(tokenFile)), the web identity's token of \(place), cannot be "
                    + "read; check that it is there" + Setting.hint(tokenFile))
        }
        return try await client.sts.assumeRoleWithWebIdentity(
            role, sessionName: sessionName, token: try Self.token(text, tokenFile),
            from: tokenFile)
    }

    /// The one word that a token's file holds; the line breaks that an editor puts around it are no
    /// part of it.
    ///
    /// - Throws: ``AWSError`` with file and line, which repeats nothing of the token.
    static func token(_ text: String, _ file: String) throws(AWSError) -> String {
        func refused(_ line: Int, _ what: String) -> AWSError {
            AWSError(
                .noCredentials,
                "\(AWSError.printable(file)):\(line): \(what); the file holds a web identity's token, "
                    + "in one line, and nothing else")
        }
        let lines = text.universalLines.enumerated().map { (number: $0 + 1, text: $1.stripped) }
            .filter { !$0.text.isEmpty }
        guard let first = lines.first else { throw refused(1, "there is no token") }
        guard lines.count == 1 else { throw refused(lines[1].number, "another line follows") }
        guard (4...20_000).contains(first.text.utf8.count) else {
            throw refused(first.number, "4 to 20000 characters are accepted")
        }
        guard first.text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw refused(first.number, "there is a blank or another character that no token has")
        }
        return first.text
    }
}
