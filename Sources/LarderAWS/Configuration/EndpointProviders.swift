import Foundation
import Larder

/// Credentials of a container, from the address that its environment names.
struct ContainerProvider: CredentialProvider {
    var environment: [String: String]
    var client: AWSClient

    static let variables = (
        relative: "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        full: "AWS_CONTAINER_CREDENTIALS_FULL_URI"
    )

    static func isNamed(in environment: [String: String]) -> Bool {
        environment[variables.relative] != nil || environment[variables.full] != nil
    }

    var url: String {
        environment[Self.variables.relative].map { "http://169.254.170.2" + $0 }
            ?? environment[Self.variables.full] ?? ""
    }

    var identity: String { "the container endpoint \(url)" }
    var givesSessions: Bool { true }

    func credentials() async throws -> Credentials {
        try check()
        var headers = [("Accept", "application/json")]
        if let token = try token() { headers.append(("Authorization", token)) }
        let reply = try await client.fetch("GET", url, headers, from: identity)
        guard reply.status == 200 else {
            throw AWSError(
                .noCredentials,
                "\(identity) answered HTTP \(reply.status); check "
                    + "AWS_CONTAINER_AUTHORIZATION_TOKEN and the endpoint's own log")
        }
        guard let keys = try? JSONDecoder().decode(ServedKeys.self, from: Data(reply.body)) else {
            throw AWSError(.noCredentials, "\(identity) answered no JSON that holds credentials")
        }
        return try keys.credentials(from: identity, clock: client.clock)
    }

    /// In plain HTTP only to this machine and to the containers' own hosts: the token and the keys
    /// go over it.
    private func check() throws {
        let hosts: Set = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost", "::1"]
        guard let parts = URLComponents(string: url), let host = parts.host else {
            throw AWSError(.invalid, "\(Self.variables.full) is no URL")
        }
        let name = host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        let isLoopback = name.wholeMatch(of: /127\.[0-9]+\.[0-9]+\.[0-9]+/) != nil
        guard parts.scheme == "https" || isLoopback || hosts.contains(name) else {
            throw AWSError(
                .invalid,
                "\(Self.variables.full) names \(AWSError.printable(name)); over http only loopback "
                    + "addresses and \(hosts.sorted().joined(separator: ", ")) are accepted")
        }
    }

    private func token() throws -> String? {
        var token = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        if let file = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
            guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
                throw AWSError(
                    .noCredentials,
                    "\(file), named by AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, cannot be read")
            }
            token = text
        }
        guard token?.contains(where: \.isNewline) != true else {
            throw AWSError(
                .invalid, "the container's authorization token ends in a line break; remove it")
        }
        return token
    }
}

/// Credentials of a machine's role, from EC2's instance metadata, version 2.
struct MetadataProvider: CredentialProvider {
    var environment: [String: String]
    var client: AWSClient

    var identity: String { "instance metadata" }
    var givesSessions: Bool { true }

    private var base: String {
        let given = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"].flatMap {
            $0.isEmpty ? nil : $0
        }
        let url = given ?? "http://169.254.169.254"
        return url.hasSuffix("/") ? String(url.dropLast()) : url
    }

    static func isDisabled(in environment: [String: String]) -> Bool {
        environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() == "true"
    }

    func credentials() async throws -> Credentials {
        let token = try await get(
            "PUT", "/latest/api/token", [("x-aws-ec2-metadata-token-ttl-seconds", "21600")])
        let proof = [("x-aws-ec2-metadata-token", token)]
        let path = "/latest/meta-data/iam/security-credentials/"
        let role = try await get("GET", path, proof).split(separator: "\n").first.map(String.init)
        guard let role, !role.isEmpty else {
            throw AWSError(.noCredentials, "\(identity) knows no role of this machine; attach one")
        }
        let text = try await get("GET", path + role, proof)
        guard let keys = try? JSONDecoder().decode(ServedKeys.self, from: Data(text.utf8)),
            keys.Code ?? "Success" == "Success"
        else {
            throw AWSError(.noCredentials, "\(identity) answered no credentials for \(role)")
        }
        return try keys.credentials(from: identity, clock: client.clock)
    }

    private func get(
        _ method: String, _ path: String, _ headers: [(String, String)]
    ) async throws -> String {
        let reply = try await client.fetch(method, base + path, headers, from: identity)
        guard reply.status == 200 else {
            throw AWSError(
                .noCredentials, "\(identity) answered HTTP \(reply.status) to \(method) \(path)")
        }
        return String(decoding: reply.body, as: UTF8.self)
    }
}
