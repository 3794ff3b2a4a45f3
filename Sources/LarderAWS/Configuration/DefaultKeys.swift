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
