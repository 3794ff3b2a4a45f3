import FoundationEssentials
import Larder
import LarderInspector
import Logging

// Whose keys are used: those of the environment, of a profile, or of a role that it names.

extension AWSConfiguration {
    /// The first provider of the chain for which something is set.
    func provider(
        _ name: String, _ client: AWSClient, _ visited: inout [String]
    ) throws -> any CredentialProvider {
        if !isExplicit, let keys = try environmentKeys(client.clock) {
            return StaticProvider(keys: keys, clock: client.clock)
        }
        if let role = try assumed(name, client, &visited) { return role }
        if let own = try inProfile(name, client, heedsEnvironment: !isExplicit) { return own }
        try refuseOtherKeys()
        if ContainerProvider.isNamed(in: environment) {
            return ContainerProvider(
                environment: environment, secrets: secrets, client: client)
        }
        if !MetadataProvider.isDisabled(in: environment) { return try metadata(client) }
        throw AWSError(
            .noCredentials,
            "there are no AWS keys; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                + SettingNames.inUse.profile)
    }

    func environmentKeys(_ clock: AgeClock) throws -> Credentials? {
        guard environment["AWS_ACCESS_KEY_ID"]?.isEmpty == false else { return nil }
        return try Credentials.fromEnvironment(environment, secrets, clock: clock)
    }

    /// Keys that somebody set and that cannot be used end the search: the container's or the
    /// machine's own role would be somebody else.
    func refuseOtherKeys() throws {
        // A secret alone is a slip of the hand.
        if !isExplicit, secrets[SecretVariables.key]?.isEmpty == false {
            _ = try Credentials.fromEnvironment(environment, secrets)
        }
        if let path = environment["AWS_CREDENTIAL_FILE"], !path.isEmpty {
            throw AWSError(
                .noCredentials,
                "AWS_CREDENTIAL_FILE is not supported; write the keys to a profile of "
                    + profiles.credentialsPath)
        }
        let boto = environment["BOTO_CONFIG"].map { [$0] } ?? ["~/.boto", "/etc/boto.cfg"]
        for path in boto.map({ expandedPath($0, environment) }) {
            let sections = (try? SettingsFile(path: path))?.sections ?? []
            guard
                let id = sections.first(where: { $0.name == "Credentials" })?
                    .settings["aws_access_key_id"]
            else { continue }
            throw AWSError(
                .noCredentials,
                "\(id.place): keys of boto's own file are not supported; write them to a profile of "
                    + profiles.credentialsPath)
        }
    }

    /// `role_arn` with `source_profile` or `credential_source`.
    func assumed(
        _ name: String, _ client: AWSClient, _ visited: inout [String]
    ) throws -> (any CredentialProvider)? {
        let settings = profiles.all[name] ?? [:]
        guard let arn = settings["role_arn"], settings["web_identity_token_file"] == nil else {
            return nil
        }
        visited.append(name)
        let source: any CredentialProvider
        switch (settings["source_profile"], settings["credential_source"]) {
        case (let profile?, nil):
            source = try self.source(profile, of: name, client, &visited)
        case (nil, let kind?): source = try self.source(named: kind, client)
        case (let profile?, let kind?):
            throw AWSError(
                .invalid,
                "\(kind.place): credential_source stands beside source_profile (line "
                    + "\(profile.line)); keep one of them")
        case (nil, nil):
            throw AWSError(
                .noCredentials,
                "\(arn.place): role_arn needs a source_profile or a credential_source beside it")
        }
        var request = RoleRequest(
            try placed(arn) { try IAMRole($0) },
            sessionName: settings["role_session_name"]?.value ?? "larder",
            externalID: settings["external_id"]?.value,
            serialNumber: settings["mfa_serial"]?.value)
        request.duration = try settings["duration_seconds"].map(duration)
        for (input, problem) in request.problems {
            let name = input.rawValue.replacing("-", with: "_")
            guard let setting = settings[name] else { continue }
            throw AWSError(.invalid, "\(setting.place): \(name): \(problem)\(setting.hint)")
        }
        request.caller = .init(
            identity: source.identity, region: client.region,
            endpoint: try client.endpoint(of: "sts")?.url, isSession: source.givesSessions)
        return RoleProvider(request: request, source: source, client: client, code: code)
    }

    func duration(_ setting: Setting) throws -> Duration {
        guard let seconds = Int(setting.value), (900...43_200).contains(seconds) else {
            throw AWSError(
                .invalid,
                "\(setting.place): duration_seconds is \"\(AWSError.printable(setting.value))\"; "
                    + "900 to 43200 are accepted\(setting.hint)")
        }
        return .seconds(seconds)
    }

    func placed<Value>(
        _ setting: Setting, _ make: (String) throws -> Value
    ) throws -> Value {
        do { return try make(setting.value) } catch {
            throw AWSError(.invalid, "\(setting.place): \(error)\(setting.hint)")
        }
    }

    func source(
        _ setting: Setting, of name: String, _ client: AWSClient, _ visited: inout [String]
    ) throws -> any CredentialProvider {
        let source = setting.value
        guard let settings = profiles.all[source] else {
            throw AWSError(
                .invalid,
                "\(setting.place): there is no profile \"\(AWSError.printable(source))\" to be the "
                    + "source_profile\(setting.hint)")
        }
        let isStatic =
            settings["aws_access_key_id"] != nil || settings["aws_secret_access_key"] != nil
        guard !visited.contains(source) || source == name && isStatic else {
            let loop = (visited + [source]).joined(separator: " -> ")
            throw AWSError(
                .invalid,
                "\(setting.place): the source profiles go round: "
                    + AWSError.printable(loop))
        }
        // A profile's own keys count before a role that it names.
        if !isStatic, let role = try assumed(source, client, &visited) { return role }
        if let own = try inProfile(source, client, heedsEnvironment: false) { return own }
        throw AWSError(
            .invalid,
            "\(setting.place): the profile \"\(AWSError.printable(source))\" holds no credentials")
    }

    func source(
        named kind: Setting, _ client: AWSClient
    ) throws -> any CredentialProvider {
        switch kind.value.lowercased() {
        case "environment":
            guard let keys = try environmentKeys(client.clock) else {
                throw AWSError(
                    .noCredentials,
                    "\(kind.place): credential_source is Environment, and there is no "
                        + "AWS_ACCESS_KEY_ID")
            }
            return StaticProvider(keys: keys, clock: client.clock)
        case "ecscontainer":
            guard ContainerProvider.isNamed(in: environment) else {
                throw AWSError(
                    .noCredentials,
                    "\(kind.place): credential_source is EcsContainer, and the environment names "
                        + "no container endpoint")
            }
            return ContainerProvider(
                environment: environment, secrets: secrets, client: client)
        case "ec2instancemetadata":
            return try metadata(client)
        default:
            throw AWSError(
                .invalid,
                "\(kind.place): credential_source is \"\(AWSError.printable(kind.value))\"; "
                    + "Environment, Ec2InstanceMetadata and EcsContainer are accepted\(kind.hint)")
        }
    }

    /// What a profile holds by itself: a web identity, keys, or a program.
    func inProfile(
        _ name: String, _ client: AWSClient, heedsEnvironment: Bool
    ) throws -> (any CredentialProvider)? {
        let settings = profiles.all[name] ?? [:]
        if let identity = try webIdentity(settings, client, heedsEnvironment) { return identity }
        if settings["sso_account_id"] != nil || settings["sso_role_name"] != nil {
            try refuseForeign(settings)
        }
        if let keys = try keys(in: profiles.inCredentials[name] ?? [:]) {
            return StaticProvider(keys: keys, clock: client.clock)
        }
        if settings["login_session"] != nil { try refuseForeign(settings) }
        if let command = settings["credential_process"] {
            return ProcessProvider(
                command: command, environment: environment, secrets: secrets,
                clock: client.clock, terminal: terminal)
        }
        if let keys = try keys(in: profiles.inConfig[name] ?? [:]) {
            return StaticProvider(keys: keys, clock: client.clock)
        }
        // A secret without a key id is half a pair as well.
        if let secret = settings["aws_secret_access_key"] {
            throw AWSError(
                .noCredentials,
                "\(secret.place): aws_secret_access_key stands without aws_access_key_id; set both")
        }
        try refuseForeign(settings)
        let unknown = settings.filter { !SettingMeanings.isNoSource($0.key) }
        if let (key, setting) = unknown.min(by: { $0.value.line < $1.value.line }) {
            throw AWSError(
                .noCredentials,
                "\(setting.place): the profile \"\(AWSError.printable(name))\" has "
                    + "\(AWSError.printable(key)) and no keys that can be had by it; no other "
                    + "identity is taken instead. Set aws_access_key_id and aws_secret_access_key, "
                    + "credential_process, or role_arn with source_profile, credential_source or "
                    + "web_identity_token_file")
        }
        return nil
    }

    /// A profile that says where its keys come from is never passed over for another identity.
    func refuseForeign(_ settings: [String: Setting]) throws {
        for (prefix, what) in SettingMeanings.foreign {
            let named = settings.filter { $0.key.hasPrefix(prefix) }.map(\.value)
            guard let setting = named.min(by: { $0.line < $1.line }) else { continue }
            throw AWSError(
                .noCredentials,
                "\(setting.place): \(what) not supported; log in and export the keys with "
                    + "aws configure export-credentials, for instance as a credential_process")
        }
    }

    func webIdentity(
        _ settings: [String: Setting], _ client: AWSClient, _ heedsEnvironment: Bool
    ) throws -> (any CredentialProvider)? {
        func value(_ variable: String, _ name: String) -> (text: String, place: String)? {
            if heedsEnvironment, let text = environment[variable] { return (text, variable) }
            return settings[name].map { ($0.value, $0.place) }
        }
        guard let file = value("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file"),
            !file.text.isEmpty
        else { return nil }
        guard let arn = value("AWS_ROLE_ARN", "role_arn"), !arn.text.isEmpty else {
            throw AWSError(
                .invalid,
                "\(file.place): a web identity token file needs a role; set role_arn or AWS_ROLE_ARN"
            )
        }
        let role: IAMRole
        do { role = try IAMRole(arn.text) } catch {
            throw AWSError(.invalid, "\(arn.place): \(error)\(Setting.hint(arn.text))")
        }
        let session = value("AWS_ROLE_SESSION_NAME", "role_session_name")
        if let session, let problem = Limits.sessionName.problem(session.text) {
            throw AWSError(
                .invalid, "\(session.place): \(problem)\(Setting.hint(session.text))")
        }
        return WebIdentityProvider(
            role: role, sessionName: session?.text ?? "larder", tokenFile: file.text,
            place: file.place, client: client)
    }

    func keys(in settings: [String: Setting]) throws -> Credentials? {
        guard let id = settings["aws_access_key_id"] else { return nil }
        guard let secret = settings["aws_secret_access_key"] else {
            throw AWSError(
                .noCredentials,
                "\(id.place): aws_access_key_id stands without aws_secret_access_key; set both")
        }
        let token = self.token(in: settings)
        for setting in [id, secret] + (token.map { [$0] } ?? [])
        where setting.value.isEmpty || !Credentials.isPlain(setting.value) {
            throw AWSError(
                .noCredentials,
                "\(setting.place): this value is empty, goes on in another line, or holds a blank "
                    + "or another character that no key has\(setting.hint)")
        }
        var keys = Credentials(
            accessKeyID: id.value, secretAccessKey: Secret(secret.value),
            sessionToken: token.map { Secret($0.value) })
        keys.source = .file(id.place)
        return keys
    }

    /// The older name counts first, as in botocore; what is set to nothing is not sent.
    func token(in settings: [String: Setting]) -> Setting? {
        guard let token = settings["aws_security_token"] ?? settings["aws_session_token"],
            !token.value.isEmpty
        else { return nil }
        return token
    }
}
