import Foundation

/// Where credentials come from. It keeps nothing: who asks twice is answered anew.
public protocol CredentialProvider: Sendable {
    /// What tells this identity from another, such as a key id or a profile; never a secret.
    var identity: String { get }
    /// Whether what it gives are sessions of a role.
    var givesSessions: Bool { get }
    func credentials() async throws -> Credentials
}

/// Keys that stand somewhere as they are.
struct StaticProvider: CredentialProvider {
    var keys: Credentials
    var identity: String { keys.accessKeyID }
    var givesSessions: Bool { keys.sessionToken != nil }
    func credentials() -> Credentials { keys }
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
        var token: String?
        if let serial = request.serialNumber {
            guard let code else {
                throw AWSError(
                    .noCredentials,
                    "\(request.role.arn) wants the code of \(serial), and there is no terminal to "
                        + "ask for it; use keys that need none")
            }
            token = try await code(serial)
        }
        let source = source
        return try await client.signing { try await source.credentials() }
            .sts.assumeRole(request, tokenCode: token)
    }
}

/// A role, assumed with a token that somebody else has written to a file.
struct WebIdentityProvider: CredentialProvider {
    var role: Role
    var sessionName: String
    var tokenFile: String
    var client: AWSClient

    var identity: String { "\(role.arn) by \(tokenFile)" }
    var givesSessions: Bool { true }

    func credentials() async throws -> Credentials {
        // Whoever writes it writes a new one before the old one ends.
        guard let token = try? String(contentsOfFile: tokenFile, encoding: .utf8) else {
            throw AWSError(
                .noCredentials,
                "\(tokenFile), the web identity's token, cannot be read; check that it is there")
        }
        return try await client.sts.assumeRoleWithWebIdentity(
            role, sessionName: sessionName, token: token)
    }
}
