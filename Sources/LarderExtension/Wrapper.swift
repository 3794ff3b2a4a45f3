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
        if isAnswering(settings.address) {
            for (name, value) in variables(settings, Variables.own) {
                if let value { setenv(name, value, 1) } else { unsetenv(name) }
            }
        } else {
            let keys = settings.role.map { ", and with its own keys, not those of \($0)" } ?? ""
            ExtensionLog.logger.warning(
                "no larder answers at \(settings.address); the function runs without a cache\(keys)"
            )
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
            if let hosts = unproxied(address, environment) { variables.append((name, hosts)) }
        }
        let token = Token.variables.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        guard let role = settings.role else { return variables }
        guard let token else {
            let names = Token.variables.joined(separator: " or ")
            ExtensionLog.logger.warning(
                "without \(names) the function has its own keys, not those of \(role)")
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

    /// The hosts that no proxy is asked for, with the extension's; `nil` where there is no proxy, or
    /// every host is one. Programs read one spelling or the other, most of them the small one first.
    private static func unproxied(
        _ address: GatewayAddress, _ environment: [String: String]
    ) -> String? {
        func said(_ name: String) -> String? {
            [name.lowercased(), name].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        }
        guard ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].contains(where: { said($0) != nil }) else {
            return nil
        }
        guard let hosts = said("NO_PROXY") else { return address.host }
        return hosts == "*" ? nil : hosts + "," + address.host
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
        // Somebody else may have the port: it says whose it is.
        var bytes = [UInt8](repeating: 0, count: 4096)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes {
                read(descriptor, $0.baseAddress! + count, $0.count - count)
            }
            guard got > 0 else { break }
            count += got
        }
        let answer = String(decoding: bytes[..<count], as: UTF8.self)
        return answer.hasPrefix("HTTP/1.1 200 ") && answer.contains("\r\n\r\nhealthy: larder ")
    }
}
