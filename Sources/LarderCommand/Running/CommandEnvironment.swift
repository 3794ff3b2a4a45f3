import Foundation
import LarderAWS
import LarderInspector
import LarderWire

/// What a program's environment has to say, so that every SDK has its credentials and its tables from
/// a gateway, and from nowhere else.
struct CommandEnvironment {
    private(set) var given: [(name: String, value: String)]
    private(set) var taken: [String]

    /// What SDKs heed before a container's endpoint, or beside it. Each is taken away, and none is left
    /// empty: botocore takes an empty one for set.
    static let others = [
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CREDENTIAL_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
    ]

    /// - Parameters:
    ///   - gateway: Where it is, and what opens it.
    ///   - role: Whose credentials; the engine's own where none is named.
    ///   - dynamoDB: Whether DynamoDB is asked through the gateway as well.
    ///   - environment: Of which something may be kept.
    init(
        _ gateway: GatewayPass, role: String?, dynamoDB: Bool, _ environment: [String: String]
    ) {
        given = [
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", gateway.url + GatewayPass.path(role)),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", gateway.token),
            ("AWS_REGION", gateway.region), ("AWS_DEFAULT_REGION", gateway.region),
        ]
        if dynamoDB { given.append(("AWS_ENDPOINT_URL_DYNAMODB", gateway.url)) }
        for (name, other) in [("NO_PROXY", "no_proxy"), ("no_proxy", "NO_PROXY")] {
            let known = environment[name] ?? environment[other] ?? ""
            given.append((name, Self.bypassing(known, gateway.host)))
        }
        // Keys of the default profile come before a container's in every chain.
        for name in AWSConfiguration.filesWithDefaultKeys(environment) {
            given.append((name, "/dev/null"))
        }
        let named = Set(given.map(\.name))
        taken = Self.others.filter { !named.contains($0) }
    }

    /// A list of hosts that are reached without a proxy, with one more; `*` is all there are.
    private static func bypassing(_ list: String, _ host: String) -> String {
        let hosts = list.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        if hosts.contains("*") || hosts.contains(host) { return list }
        return (hosts + [host]).joined(separator: ",")
    }

    /// An environment's variables, each `NAME=VALUE` in bytes, as the command has them.
    func applied(to variables: [[UInt8]]) -> [[UInt8]] {
        let taken = Set((self.taken + given.map(\.name)).map { Array($0.utf8) })
        let kept = variables.filter { variable in
            !taken.contains(Array(variable.prefix { $0 != UInt8(ascii: "=") }))
        }
        return kept + given.map { Array("\($0.name)=\($0.value)".utf8) }
    }

    /// Lines that have a shell do the same.
    var shellLines: [String] {
        given.map { "export \($0.name)=\(Self.quoted($0.value))" } + taken.map { "unset \($0)" }
    }

    /// As one word for any shell of Bourne's kind.
    static func quoted(_ text: String) -> String {
        "'" + text.replacing("'", with: #"'\''"#) + "'"
    }
}
