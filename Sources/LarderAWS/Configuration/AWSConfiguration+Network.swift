import FoundationEssentials
import NIOSSL

extension AWSConfiguration {
    /// A value and where it was said, for an error.
    struct Said {
        var text: String
        var place: String
    }

    /// What the environment says, else the profile in use. What is set to nothing is not set.
    func said(_ variable: String, _ name: String) -> Said? {
        if let text = environment[variable], !text.isEmpty {
            return Said(text: text, place: variable)
        }
        guard let setting = settings[name], !setting.value.isEmpty else { return nil }
        return Said(text: setting.value, place: "\(setting.place): \(name)")
    }

    /// - Throws: ``AWSError`` where it is neither true nor false: a "1" is false to some and true to
    ///   others.
    func flag(_ variable: String, _ name: String) throws(AWSError) -> Bool {
        guard let said = said(variable, name) else { return false }
        switch said.text.lowercased() {
        case "true": return true
        case "false": return false
        default: throw refusal(said, "true and false are accepted")
        }
    }

    func number(
        _ variable: String, _ name: String, in range: ClosedRange<Int>
    ) throws(AWSError) -> Int? {
        guard let said = said(variable, name) else { return nil }
        guard let number = Int(said.text.stripped), range.contains(number) else {
            throw refusal(said, "\(range.lowerBound) to \(range.upperBound) are accepted")
        }
        return number
    }

    func refusal(_ said: Said, _ accepted: String) -> AWSError {
        AWSError(
            .invalid, "\(said.place) is \"\(AWSError.printable(said.text))\"; \(accepted)")
    }

    /// - Throws: ``AWSError`` of kind ``AWSError/Kind/invalid`` with the variable, or the file and
    ///   line.
    func network() throws(AWSError) -> NetworkSettings {
        var network = NetworkSettings()
        network.variant.isFIPS = try flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")
        network.variant.isDualStack = try flag(
            "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")
        if let said = said("AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints") {
            guard ["regional", "legacy"].contains(said.text) else {
                throw refusal(said, "regional and legacy are accepted")
            }
            network.variant.isGlobalSTS = said.text == "legacy"
        }
        network.proxies = try Proxies(environment)
        network.authorities = try authorities()
        network.attempts = try number("AWS_MAX_ATTEMPTS", "max_attempts", in: 1...100)
        if let said = said("AWS_RETRY_MODE", "retry_mode"),
            !["standard", "legacy", "adaptive"].contains(said.text)
        {
            throw refusal(said, "standard is accepted")
        }
        return network
    }

    /// The certificates of the file that the environment or the profile names.
    private func authorities() throws(AWSError) -> [NIOSSLCertificate]? {
        let others = environment["REQUESTS_CA_BUNDLE"].flatMap {
            $0.isEmpty ? nil : Said(text: $0, place: "REQUESTS_CA_BUNDLE")
        }
        guard let said = said("AWS_CA_BUNDLE", "ca_bundle") ?? others else { return nil }
        let path = expandedPath(said.text, environment)
        do {
            let certificates = try NIOSSLCertificate.fromPEMFile(path)
            if !certificates.isEmpty { return certificates }
        } catch {}
        throw refusal(said, "a readable file of certificates (PEM) is accepted")
    }

    /// What is set, concerns the services used here, and is not heeded.
    var networkWarnings: [String] {
        var warnings: [String] = []
        if let said = said("AWS_RETRY_MODE", "retry_mode"), said.text != "standard" {
            warnings.append(
                "\(said.place) is \(AWSError.printable(said.text)), which is not heeded; requests "
                    + "are sent again by the rules of standard")
        }
        let hasBundle = said("AWS_CA_BUNDLE", "ca_bundle") != nil
        for (variable, instead) in Self.unheededVariables
        where !(environment[variable] ?? "").isEmpty
            && !(hasBundle && instead == "set AWS_CA_BUNDLE")
        {
            warnings.append("\(variable) is not heeded" + (instead.isEmpty ? "" : "; \(instead)"))
        }
        for service in ["dynamodb", "sts"] where ((try? endpointURL(of: service)) ?? nil) != nil {
            for (variable, name) in [
                ("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
                ("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
            ] where (try? flag(variable, name)) == true {
                let place = said(variable, name)?.place ?? variable
                warnings.append("\(place) does not change the endpoint that \(service) was given")
            }
        }
        for (variable, path) in [
            ("AWS_CONFIG_FILE", profiles.configPath),
            ("AWS_SHARED_CREDENTIALS_FILE", profiles.credentialsPath),
        ]
        where !(environment[variable] ?? "").isEmpty
            && !FileManager.default.fileExists(
                atPath: path)
        {
            warnings.append("\(variable) names \(AWSError.printable(path)), which is not there")
        }
        return warnings
    }

    /// With what to say instead.
    private static let unheededVariables = [
        ("ALL_PROXY", "set HTTPS_PROXY"), ("all_proxy", "set HTTPS_PROXY"),
        ("SSL_CERT_FILE", "set AWS_CA_BUNDLE"), ("SSL_CERT_DIR", "set AWS_CA_BUNDLE"),
        ("AWS_DEFAULTS_MODE", ""), ("AWS_ENDPOINT_DISCOVERY_ENABLED", ""),
        ("AWS_ACCOUNT_ID_ENDPOINT_MODE", ""), ("AWS_AUTH_SCHEME_PREFERENCE", ""),
        ("AWS_SIGV4A_SIGNING_REGION_SET", ""), ("AWS_DATA_PATH", ""),
    ]
}
