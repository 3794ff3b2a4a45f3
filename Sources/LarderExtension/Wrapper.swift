import Glibc
import LarderGateway
import LarderInspector
import Logging

/// What `AWS_LAMBDA_EXEC_WRAPPER` has run before a function's runtime: it points the SDKs of the
/// function at the extension, and becomes the runtime.
///
/// Where the extension does not answer, the function has its runtime all the same, without a cache.
enum Wrapper {
    static func run(_ command: [String]) -> Never {
        let settings = ExtensionSettings(Variables.own)
        let isThere = isAnswering(settings.address)
        if isThere {
            for (name, value) in variables(settings, Variables.own) {
                if let value { setenv(name, value, 1) } else { unsetenv(name) }
            }
        } else {
            ExtensionLog.logger.warning(
                "nothing answers at \(settings.address); the function runs without a cache")
        }
        var words = command.map { strdup($0) } + [nil]
        if let path = words[0] { execvp(path, &words) }
        let reason = command.isEmpty ? "no command is named" : Descriptor.reason(errno)
        ExtensionLog.logger.error("\(command.first ?? "larder-wrapper"): \(reason)")
        exit(127)
    }

    /// What is set, and with `nil` what is taken away.
    static func variables(
        _ settings: ExtensionSettings, _ environment: [String: String]
    ) -> [(name: String, value: String?)] {
        let address = settings.address
        var variables: [(name: String, value: String?)] = [
            ("AWS_ENDPOINT_URL_DYNAMODB", "http://\(address)")
        ]
        for name in ["NO_PROXY", "no_proxy"] {
            let hosts = [environment[name], address.host].compactMap { $0 }.filter { !$0.isEmpty }
            variables.append((name, hosts.joined(separator: ",")))
        }
        let token = Token.variables.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        guard let role = settings.role, let token else {
            return variables
        }
        // SDKs take what stands in the environment before they ask an endpoint.
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            variables.append((name, nil))
        }
        return variables + [
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://\(address)/role-arn/\(role)"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", token),
        ]
    }

    /// Whether the extension is there and has something behind it, looked at for a quarter of a second
    /// at most.
    static func isAnswering(_ address: GatewayAddress) -> Bool {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 0, tv_usec: 250_000)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(
                descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = UInt16(clamping: address.port).bigEndian
        guard inet_pton(AF_INET, address.host, &place.sin_addr) == 1 else { return false }
        let isConnected = withUnsafePointer(to: &place) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        let request = "GET / HTTP/1.1\r\nHost: \(address)\r\nConnection: close\r\n\r\n"
        guard isConnected, Descriptor.write(request, to: descriptor) == 0 else { return false }
        let wanted = Array("HTTP/1.1 200 ".utf8)
        var bytes = [UInt8](repeating: 0, count: wanted.count)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes {
                read(descriptor, $0.baseAddress! + count, $0.count - count)
            }
            guard got > 0 else { return false }
            count += got
        }
        return bytes == wanted
    }
}
