import Foundation

/// The proxy and the service behind it of `Tests/Peers/tls_proxy.py`.
public final class TLSProxy: Sendable {
    public struct Scene: Decodable, Sendable {
        /// The file of the authority that the service's certificate is of.
        public var authority: String
        /// Ports: a proxy for everybody, one that wants a user and a password, and no proxy at all.
        public var proxy: Int
        public var strict: Int
        public var direct: Int
        /// Of what speaks TLS for a plain service, where there is one.
        public var front: Int?
    }

    public let scene: Scene
    private let process = Process()
    private let input = Pipe()

    /// - Parameter plain: The port of a service that speaks no TLS, which `front` is put before.
    public init(before plain: UInt16? = nil) throws {
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            try python(), packageRoot.appending(path: "Tests/Peers/tls_proxy.py").path,
        ]
        if let plain { process.arguments?.append("\(plain)") }
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var line = Data()
        while line.last != 10 {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Failure("the proxy did not start") }
            line += more
        }
        scene = try JSONDecoder().decode(Scene.self, from: line)
    }

    deinit { kill(process.processIdentifier, SIGKILL) }
}
