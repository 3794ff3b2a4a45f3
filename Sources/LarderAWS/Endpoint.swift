import FoundationEssentials

/// Where a service is.
struct Endpoint: Hashable, Sendable {
    /// Scheme, host, port where it is not the scheme's own, and path.
    let url: String
    /// As the `Host` header has it: a port only where it is not the scheme's own.
    let host: String
    let path: String
    /// The region that requests are signed for, where it is not the one asked for.
    var signingRegion: String?

    /// Which of a service's own endpoints is wanted.
    struct Variant: Hashable, Sendable {
        /// Whose cryptography is validated by FIPS 140.
        var isFIPS = false
        /// That is reached by IPv6 as well.
        var isDualStack = false
        /// STS's first address, which the older regions have in common.
        var isGlobalSTS = false
    }

    /// AWS's own, by the rules that its SDKs share.
    init(service: String, region: String, _ variant: Variant = Variant()) {
        let partition = Partition.of(region)
        let isPlain = !variant.isFIPS && !variant.isDualStack
        let isStreams = service == DynamoDBStreams.service
        if service == "dynamodb" || isStreams, region == "local" {
            self.init("http", "localhost:8000", signingRegion: "us-east-1")
            return
        }
        let isGlobal =
            service == "sts"
            && (region == "aws-global" || variant.isGlobalSTS && Self.isOld(region))
        let signingRegion = isGlobal && (isPlain || region == "aws-global") ? "us-east-1" : nil
        if isGlobal, isPlain {
            self.init("https", "sts.amazonaws.com", signingRegion: signingRegion)
            return
        }
        // Those of the United States' government are all validated, and have no other name.
        let isNamedFIPS =
            variant.isFIPS && (variant.isDualStack || partition.name != "aws-us-gov")
        // The addresses that are reached by IPv6 have no dot in a service's name.
        let streams = variant.isDualStack ? "streams-dynamodb" : "streams.dynamodb"
        let host = isStreams ? streams : service
        let name = isNamedFIPS ? "\(host)-fips" : host
        let suffix = variant.isDualStack ? partition.dualStackSuffix : partition.suffix
        self.init("https", "\(name).\(region).\(suffix)", signingRegion: signingRegion)
    }

    private init(_ scheme: String, _ host: String, signingRegion: String?) {
        self.host = host
        self.signingRegion = signingRegion
        url = "\(scheme)://\(host)/"
        path = "/"
    }

    /// Regions older than the endpoints of STS that every region has of its own.
    private static func isOld(_ region: String) -> Bool {
        [
            "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
            "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
            "us-east-1", "us-east-2", "us-west-1", "us-west-2",
        ].contains(region)
    }

    /// One that was given.
    ///
    /// - Throws: ``AWSError`` of kind ``AWSError/Kind/invalid``, which says what is accepted.
    init(_ text: String) throws(AWSError) {
        let accepted =
            "write a URL such as http://127.0.0.1:5000 or https://dynamodb.eu-west-1.amazonaws.com"
        // What stands before an @ may be a password: it is not repeated.
        guard !text.contains("@") else {
            throw AWSError(.invalid, "an endpoint names no user; \(accepted)")
        }
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme), let name = parts.percentEncodedHost, !name.isEmpty,
            parts.query == nil, parts.fragment == nil, (1...65_535).contains(parts.port ?? 1)
        else {
            throw AWSError(
                .invalid, "\"\(AWSError.printable(text))\" is no endpoint; \(accepted)")
        }
        let bracketed = name.contains(":") && !name.hasPrefix("[") ? "[\(name)]" : name
        let own = scheme == "https" ? 443 : 80
        host = bracketed + (parts.port.map { $0 == own ? "" : ":\($0)" } ?? "")
        path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        url = "\(scheme)://\(host)\(path)"
    }
}
