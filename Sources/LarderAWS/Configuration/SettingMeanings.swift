/// What the settings of a profile mean here.
///
/// A profile is left for the next source of keys, and in the end for the machine's own role, only
/// where nothing that stands in it can be meant as a source.
enum SettingMeanings {
    /// What keys come from, or how they are asked for.
    static let sources: Set = [
        "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token",
        "role_arn", "source_profile", "credential_source", "external_id", "role_session_name",
        "duration_seconds", "mfa_serial", "web_identity_token_file", "credential_process",
    ]
    /// Where requests go, and how.
    static let network: Set = [
        "region", "endpoint_url", "services", "ignore_configured_endpoint_urls",
        "use_fips_endpoint", "use_dualstack_endpoint", "sts_regional_endpoints", "ca_bundle",
        "max_attempts", "retry_mode", "metadata_service_timeout", "metadata_service_num_attempts",
        "ec2_metadata_service_endpoint", "ec2_metadata_service_endpoint_mode",
        "ec2_metadata_v1_disabled", "imds_use_ipv6",
    ]
    /// Settings of DynamoDB and STS that are not heeded here; a warning says so.
    static let unheeded: Set = [
        "defaults_mode", "endpoint_discovery_enabled", "account_id_endpoint_mode",
        "auth_scheme_preference", "sigv4a_signing_region_set", "data_path", "api_versions",
    ]
    /// Of no concern to who reads items and assumes roles.
    static let idle: Set = [
        "output", "aws_account_id", "parameter_validation", "tcp_keepalive", "sdk_ua_app_id",
        "request_min_compression_size_bytes", "disable_request_compression",
        "request_checksum_calculation", "response_checksum_validation",
        "disable_host_prefix_injection", "color", "history", "plugins",
    ]
    private static let idlePrefixes = ["cli_", "s3", "csm_", "emr"]
    /// What tools write down for themselves beside the keys that they fetched.
    private static let notes: Set = [
        "aws_role_arn", "assumed_role", "assumed_role_arn", "mfa_process", "include_profile",
        "parent_profile",
    ]
    /// Every tool has a name of its own for when its keys end.
    private static func isNote(_ name: String) -> Bool {
        notes.contains(name) || name.contains("expir") || begins(name, notePrefixes)
    }
    private static let notePrefixes = [
        "x_", "saml", "okta", "azure", "google_config.", "granted_", "leapp",
    ]
    /// Sources of keys that others support.
    static let foreign = [
        (prefix: "sso_", what: "SSO profiles are"),
        (prefix: "login_session", what: "profiles of aws login are"),
    ]

    static func begins(_ name: String, _ prefixes: [String]) -> Bool {
        prefixes.contains { name.hasPrefix($0) }
    }

    /// Whether the setting names no source of keys, whoever reads it.
    static func isNoSource(_ name: String) -> Bool {
        network.contains(name) || unheeded.contains(name) || idle.contains(name)
            || begins(name, idlePrefixes)
    }

    /// Whether the one who wrote it should be told that it does nothing here. Tools write into the
    /// credentials file what they like: there only names count that begin as AWS's own do.
    static func isWorthAWord(_ name: String, inCredentials: Bool) -> Bool {
        if unheeded.contains(name) { return true }
        if sources.contains(name) || isNoSource(name) || isNote(name)
            || begins(name, foreign.map(\.prefix))
        {
            return false
        }
        return !inCredentials || name.hasPrefix("aws_")
    }
}
