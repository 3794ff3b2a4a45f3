import FoundationEssentials

/// The profiles of `~/.aws/config` and `~/.aws/credentials`, as botocore puts them together.
struct Profiles: Sendable {
    /// Everything that is said of a profile; what the credentials file says comes first.
    private(set) var all: [String: [String: Setting]] = [:]
    /// What the config file alone says.
    private(set) var inConfig: [String: [String: Setting]] = [:]
    /// What the credentials file alone says.
    private(set) var inCredentials: [String: [String: Setting]] = [:]
    private(set) var services: [String: [String: Setting]] = [:]
    let configPath: String
    let credentialsPath: String

    /// - Throws: ``AWSError`` of kind ``AWSError/Kind/invalid`` with file and line.
    init(_ environment: [String: String]) throws(AWSError) {
        configPath = Self.path("AWS_CONFIG_FILE", "~/.aws/config", environment)
        credentialsPath = Self.path(
            "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", environment)
        for (section, settings) in try SettingsFile(path: configPath)?.sections ?? [] {
            // Of [default] and [profile default] the later one counts.
            if section == "default" {
                inConfig[section] = settings
            } else if section.hasPrefix("profile"), let name = Self.name(in: section) {
                inConfig[name] = settings
            } else if section.hasPrefix("services"), let name = Self.name(in: section) {
                services[name] = settings
            }
        }
        for (section, settings) in try SettingsFile(path: credentialsPath)?.sections ?? [] {
            inCredentials[section] = settings
        }
        all = inConfig.merging(inCredentials) { $0.merging($1) { $1 } }
    }

    /// `profile "a name"`: the second of two words.
    private static func name(in section: String) -> String? {
        guard let words = shellWords(section), words.count == 2 else { return nil }
        return words[1]
    }

    private static func path(
        _ variable: String, _ usual: String, _ environment: [String: String]
    ) -> String {
        let path = environment[variable].flatMap { $0.isEmpty ? nil : $0 } ?? usual
        return expandedPath(path, environment)
    }

    /// Where a profile begins to be spoken of, for an error.
    func place(of profile: String) -> String {
        all[profile]?.values.min { ($0.file, $0.line) < ($1.file, $1.line) }?.place ?? configPath
    }
}

extension AWSConfiguration {
    /// The variables whose files give the default profile's keys, or say where those are from: every
    /// SDK takes these before it asks a container's endpoint.
    package static func filesWithDefaultKeys(_ environment: [String: String]) -> [String] {
        guard let profiles = try? Profiles(environment) else { return [] }
        return [
            ("AWS_CONFIG_FILE", profiles.inConfig),
            ("AWS_SHARED_CREDENTIALS_FILE", profiles.inCredentials),
        ].filter { _, profiles in
            (profiles["default"] ?? [:]).keys.contains { key in
                sources.contains { key.hasPrefix($0) }
            }
        }.map(\.0)
    }

    private static let sources = [
        "aws_access_key_id", "aws_secret_access_key", "role_arn", "web_identity_token_file",
        "credential_process", "sso_", "login_session",
    ]
}
