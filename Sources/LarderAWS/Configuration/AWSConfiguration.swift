import FoundationEssentials
public import Larder
package import LarderInspector
public import Logging

/// What the environment and the profile files say: whose keys, which region, which endpoints.
///
/// It reads what botocore reads, in its order, but for `AWS_REGION`, which comes before
/// `AWS_DEFAULT_REGION` as in the other SDKs (boto3 reads only the latter).
///
/// ```swift
/// let configuration = try AWSConfiguration(ProcessInfo.processInfo.environment)
/// let (client, _) = try await configuration.client()
/// ```
public struct AWSConfiguration: Sendable {
    /// The profile in use.
    public let profile: String
    /// Whether it was asked for by name, rather than by the environment.
    let isExplicit: Bool
    /// Without what is secret.
    let environment: [String: String]
    let secrets: [String: Secret]
    let profiles: Profiles
    /// Asks for the code of a device; `nil` where nobody can be asked.
    public var code: (@Sendable (_ serialNumber: String) async throws -> String)?
    /// The terminal at which a program that gives credentials may ask now, such as `/dev/tty`;
    /// `nil` where there is none.
    public var terminal: @Sendable () -> String? = { nil }
    /// When sessions are refreshed, and what becomes of a refresh that fails.
    public var refresh = Refresh.credentials
    /// How long the calls of its clients may take.
    public var deadlines = Deadlines()
    /// Told, once each, what the one who runs this should know and what is not an error.
    public var notice: @Sendable (String) -> Void = { _ in }
    /// Is told what becomes of calls, see ``AWSClient/logging(to:)``; `nil` for nobody.
    public var logger: Logger?

    /// - Parameters:
    ///   - environment: The process's, or variables that stand for it.
    ///   - profile: The profile asked for by name; the environment's keys do not count then.
    /// - Throws: ``AWSError`` of kind ``AWSError/Kind/invalid`` with the file and line, or where
    ///   the profile is not there.
    public init(
        _ environment: [String: String], profile: String? = nil
    ) throws(AWSError) {
        try self.init(environment, secrets: [:], profile: profile)
    }

    /// - Parameter secrets: What was taken out of the environment before.
    package init(
        _ environment: [String: String], secrets taken: [String: Secret], profile: String?
    ) throws(AWSError) {
        let parted = SecretVariables.parted(environment)
        self.environment = parted.plain
        secrets = taken.merging(parted.secrets) { taken, _ in taken }
        let named = ["AWS_DEFAULT_PROFILE", "AWS_PROFILE"].compactMap { environment[$0] }.first {
            !$0.isEmpty
        }
        self.profile = profile ?? named ?? "default"
        isExplicit = profile != nil
        profiles = try Profiles(environment)
        if profile ?? named != nil, profiles.all[self.profile] == nil {
            let known = profiles.all.keys.sorted().map { AWSError.printable($0) }
            throw AWSError(
                .invalid,
                "there is no profile \"\(AWSError.printable(self.profile))\" in "
                    + "\(profiles.configPath) or \(profiles.credentialsPath)"
                    + (known.isEmpty ? "" : "; \(Words.there(are: known))"))
        }
    }

    var settings: [String: Setting] { profiles.all[profile] ?? [:] }

    // MARK: Region and endpoints

    /// The region of the environment or the profile.
    public var region: String? {
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            if let region = environment[name], !region.isEmpty { return region }
        }
        return settings["region"]?.value
    }

    /// - Throws: ``AWSError`` with file and line where the profile's region counts and is wrong.
    func checkRegion() throws(AWSError) {
        guard let setting = settings["region"], setting.value == region,
            !AWSClient.isRegion(setting.value)
        else { return }
        throw AWSError(
            .invalid,
            setting.value.isEmpty
                ? "\(setting.place): region is empty; write one such as eu-west-1, or leave the line "
                    + "out"
                : "\(setting.place): \"\(AWSError.printable(setting.value))\" is no region; write one "
                    + "such as eu-west-1\(setting.hint)")
    }

    /// Another address for a service than AWS's, by its name: `dynamodb`, `sts`.
    public func endpointURL(of service: String) throws(AWSError) -> String? {
        let ignores = try flag(
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls")
        if ignores { return nil }
        for name in ["AWS_ENDPOINT_URL_\(service.uppercased())", "AWS_ENDPOINT_URL"] {
            if let url = environment[name], !url.isEmpty { return url }
        }
        if let section = settings["services"] {
            guard let services = profiles.services[section.value] else {
                throw AWSError(
                    .invalid,
                    "\(section.place): there is no section [services "
                        + "\(AWSError.printable(section.value))]")
            }
            if let url = try services[service]?.nested()["endpoint_url"] {
                return try address(url)
            }
        }
        guard let url = settings["endpoint_url"] else { return nil }
        return try address(url)
    }

    /// - Throws: ``AWSError`` with file and line where it is not an address.
    func address(_ setting: Setting) throws(AWSError) -> String {
        do { _ = try Endpoint(setting.value) } catch {
            throw AWSError(.invalid, "\(setting.place): \(error)\(setting.hint)")
        }
        return setting.value
    }

    // MARK: Warnings

    /// What stands in the environment, in the profile in use or in one that it takes its keys from,
    /// and is not heeded.
    public var warnings: [String] {
        var names = [profile]
        while let source = profiles.all[names.last!]?["source_profile"]?.value,
            !names.contains(source)
        {
            names.append(source)
        }
        return networkWarnings
            + names.flatMap { name in
                (profiles.all[name] ?? [:]).filter { key, setting in
                    SettingMeanings.isWorthAWord(
                        key, inCredentials: setting.file == profiles.credentialsPath)
                }
                .sorted { $0.value.line < $1.value.line }
                .map { "\($0.value.place): \(AWSError.printable($0.key)) is not heeded" }
            }
    }

    // MARK: Clients and providers

    /// A client that signs with the credentials of the chain, kept and refreshed as they need it.
    ///
    /// - Parameters:
    ///   - region: Instead of the one that is configured.
    ///   - endpointURL: Instead of those that are configured, for every service.
    ///   - clock: By which sessions end.
    /// - Throws: ``AWSError``.
    public func client(
        region: String? = nil, endpointURL: String? = nil, clock: AgeClock = .system
    ) async throws -> (client: AWSClient, provider: Signer) {
        if region == nil { try checkRegion() }
        let bare = try AWSClient(
            region: region ?? self.region ?? "us-east-1",
            endpoints: { service in try endpointURL ?? self.endpointURL(of: service) },
            network: try network(), deadlines: deadlines, notices: Notices(notice), clock: clock
        ) { throw AWSError(.noCredentials, "nothing signs this request") }.logging(to: logger)
        let signer: Signer
        do { signer = try Signer(self, bare) } catch {
            await bare.shutdown()
            throw error
        }
        let client = bare.signing(
            with: { try await signer.credentials() }, from: signer.identity
        ) { id in
            signer.reject(id)
        }
        return (client, signer)
    }
}
