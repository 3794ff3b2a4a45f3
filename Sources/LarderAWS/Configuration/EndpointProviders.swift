import FoundationEssentials
import Larder
import LarderInspector

/// Credentials of a container, from the address that its environment names.
struct ContainerProvider: CredentialProvider {
    private let environment: [String: String]
    private let secrets: [String: Secret]
    private let client: AWSClient

    init(
        environment: [String: String], secrets taken: [String: Secret] = [:], client: AWSClient
    ) {
        let parted = SecretVariables.parted(environment)
        self.environment = parted.plain
        secrets = taken.merging(parted.secrets) { taken, _ in taken }
        self.client = client
    }

    /// As botocore has it: three tries of two seconds each, a second apart.
    static let (tries, limit, pause) = (3, Duration.seconds(2), Duration.seconds(1))

    private enum Variable {
        static let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
        static let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
        static let token = SecretVariables.container
        static let tokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
    }

    static func isNamed(in environment: [String: String]) -> Bool {
        environment[Variable.relative] != nil || environment[Variable.full] != nil
    }

    /// The variable that names the address.
    private var variable: String {
        environment[Variable.relative] != nil ? Variable.relative : Variable.full
    }

    var url: String {
        environment[Variable.relative].map { "http://169.254.170.2" + $0 }
            ?? environment[Variable.full] ?? ""
    }

    var identity: String { "the container endpoint \(AWSError.printable(url))" }
    var givesSessions: Bool { true }

    func credentials() async throws -> Credentials {
        try check()
        var headers = [("Accept", "application/json")]
        if let token = try token() { headers.append(("Authorization", token)) }
        var failure = AWSError(.noCredentials, "\(identity) was not asked")
        for number in 0..<Self.tries {
            if number > 0 { try await client.pause(Self.pause) }
            do {
                return try keys(
                    in: await client.fetch("GET", url, headers, within: Self.limit))
            } catch let error as AWSError {
                failure = error
            }
        }
        throw failure
    }

    private func keys(in reply: AWSClient.Reply?) throws -> Credentials {
        guard let reply else {
            throw AWSError(
                .noCredentials,
                "\(identity) cannot be reached; check that what \(variable) names is running")
        }
        guard reply.status == 200 else {
            let said = Self.words(in: reply.body).map { " (\($0))" } ?? ""
            throw AWSError(
                .noCredentials,
                "\(identity) answered HTTP \(reply.status)\(said); check \(culprit(reply.status))")
        }
        guard let keys = try? JSONDecoder().decode(ServedKeys.self, from: Data(reply.body)) else {
            throw AWSError(
                .noCredentials,
                "\(identity) answered no JSON that holds credentials; check \(variable)")
        }
        return try keys.credentials(from: identity, .endpoint(identity), clock: client.clock)
    }

    private func culprit(_ status: Int) -> String {
        guard status == 401 || status == 403 else {
            return status < 500 ? variable : "the endpoint's own log"
        }
        if environment[Variable.tokenFile] != nil { return Variable.tokenFile }
        return secrets[Variable.token] == nil
            ? "whether it wants \(Variable.token), which is not set" : Variable.token
    }

    /// The code and message of a refusal, in either spelling.
    private static func words(in body: [UInt8]) -> String? {
        struct Refusal: Decodable {
            var code, Code, message, Message: String?
        }
        guard let refusal = try? JSONDecoder().decode(Refusal.self, from: Data(body)) else {
            return nil
        }
        let words = [refusal.code ?? refusal.Code, refusal.message ?? refusal.Message]
            .compactMap(\.self)
        return words.isEmpty ? nil : AWSError.printable(words.joined(separator: ": "))
    }

    /// In plain HTTP only to this machine and to the containers' own hosts: the token and the keys
    /// go over it.
    private func check() throws {
        let hosts: Set = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost", "::1"]
        guard let parts = URLComponents(string: url), let host = parts.host else {
            throw AWSError(.invalid, "\(variable) is no URL")
        }
        let name = String(host[...].trimmed { "[]".contains($0) })
        let isLoopback = name.wholeMatch(of: /127\.[0-9]+\.[0-9]+\.[0-9]+/) != nil
        guard parts.scheme == "https" || isLoopback || hosts.contains(name) else {
            throw AWSError(
                .invalid,
                "\(variable) names \(AWSError.printable(name)); over http only loopback "
                    + "addresses and \(hosts.sorted().joined(separator: ", ")) are accepted")
        }
    }

    private func token() throws -> String? {
        var (token, variable) = (secrets[Variable.token]?.reveal(), Variable.token)
        if let file = environment[Variable.tokenFile] {
            guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
                throw AWSError(
                    .noCredentials,
                    "\(AWSError.printable(file)), named by \(Variable.tokenFile), cannot be read")
            }
            (token, variable) = (text, Variable.tokenFile)
        }
        // Bytes, because a return and a line feed are one character.
        guard token?.utf8.contains(where: { $0 == 10 || $0 == 13 }) != true else {
            throw AWSError(.invalid, "the token of \(variable) holds a line break; remove it")
        }
        return token
    }
}

/// Credentials of a machine's role, from EC2's instance metadata: by version 2 where there is one,
/// else by version 1.
struct MetadataProvider: CredentialProvider {
    var environment: [String: String]
    var client: AWSClient
    var base = "http://169.254.169.254"
    /// How long an answer may take, and how often is asked.
    var limit = Duration.seconds(1)
    var tries = 1
    /// Whether version 1, which asks for no token, is not to be used.
    var wantsToken = false

    var identity: String { "instance metadata" }
    var givesSessions: Bool { true }

    static func isDisabled(in environment: [String: String]) -> Bool {
        environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() == "true"
    }

    func credentials() async throws -> Credentials {
        guard !Self.isDisabled(in: environment) else {
            throw AWSError(
                .noCredentials,
                "AWS_EC2_METADATA_DISABLED is set, and the machine's role is asked for")
        }
        let proof = try await token().map { [("x-aws-ec2-metadata-token", $0)] } ?? []
        if proof.isEmpty, wantsToken {
            throw AWSError(
                .noCredentials,
                "\(identity) at \(base) gives no token, and version 1, which wants none, is switched "
                    + "off (AWS_EC2_METADATA_V1_DISABLED, ec2_metadata_v1_disabled)")
        }
        let path = "/latest/meta-data/iam/security-credentials/"
        let role =
            String(decoding: try await get(path, proof) { !$0.isEmpty }, as: UTF8.self)
            .split(separator: "\n").first.map(String.init) ?? ""
        var keys: ServedKeys?
        _ = try await get(path + role, proof) { body in
            keys = try? JSONDecoder().decode(ServedKeys.self, from: Data(body))
            return keys != nil
        }
        guard let keys, keys.refusal == nil else {
            throw AWSError(
                .noCredentials,
                "\(identity) has no credentials of \(AWSError.printable(role)): "
                    + (keys?.refusal ?? "no JSON"))
        }
        // When the service behind it is out of order it hands out keys near their end or past it,
        // which every service goes on accepting then: they are kept for as long as botocore does.
        return try keys.credentials(
            from: identity, .endpoint(identity), clock: client.clock,
            extension: .seconds(900) + .seconds(.random(in: 120...600)))
    }

    /// `nil` where there is no version 2 to be had.
    private func token() async throws -> String? {
        let headers = [("x-aws-ec2-metadata-token-ttl-seconds", "21600")]
        for _ in 0..<tries {
            guard
                let reply = try await client.fetch(
                    "PUT", base + "/latest/api/token", headers, within: limit)
            else { continue }
            switch reply.status {
            case 200: return String(decoding: reply.body, as: UTF8.self)
            case 400: throw refused(reply, "/latest/api/token")
            case 403, 404, 405: return nil
            default: break
            }
        }
        return nil
    }

    private func get(
        _ path: String, _ headers: [(String, String)], _ isGood: ([UInt8]) -> Bool
    ) async throws -> [UInt8] {
        var last: AWSClient.Reply?
        for _ in 0..<tries {
            let reply = try await client.fetch("GET", base + path, headers, within: limit)
            if let reply, reply.status == 200, isGood(reply.body) { return reply.body }
            last = reply ?? last
        }
        guard let last else {
            throw AWSError(
                .noCredentials,
                "there are no AWS keys in the environment and the profile, and \(identity) at "
                    + "\(base) does not answer; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                    + SettingNames.inUse.profile)
        }
        if last.status == 404, path.hasSuffix("/") {
            throw AWSError(.noCredentials, "\(identity) knows no role of this machine; attach one")
        }
        throw refused(last, path)
    }

    private func refused(_ reply: AWSClient.Reply, _ path: String) -> AWSError {
        AWSError(
            .noCredentials,
            reply.status == 200
                ? "\(identity) answered nothing that is of use to \(path)"
                : "\(identity) answered HTTP \(reply.status) to \(path)")
    }
}

extension AWSConfiguration {
    /// The machine's role, asked for as the environment and the profile say.
    func metadata(_ client: AWSClient) throws(AWSError) -> MetadataProvider {
        var provider = MetadataProvider(environment: environment, client: client)
        let seconds = try number(
            "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", in: 1...60)
        if let seconds { provider.limit = .seconds(seconds) }
        provider.tries =
            try number(
                "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts", in: 1...100)
            ?? 1
        provider.wantsToken = try flag(
            "AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled")
        var isIPv6 = try flag("AWS_IMDS_USE_IPV6", "imds_use_ipv6")
        if let mode = said(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode")
        {
            guard ["ipv4", "ipv6"].contains(mode.text.lowercased()) else {
                throw refusal(mode, "IPv4 and IPv6 are accepted")
            }
            isIPv6 = mode.text.lowercased() == "ipv6"
        }
        if isIPv6 { provider.base = "http://[fd00:ec2::254]" }
        if let given = said("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint") {
            _ = try Endpoint(given.text)
            provider.base = given.text.hasSuffix("/") ? String(given.text.dropLast()) : given.text
        }
        return provider
    }
}
