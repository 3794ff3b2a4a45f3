import Foundation

/// A real moto server with authorization on, and the accounts of `Tests/Peers/accounts_in_moto.py`.
public final class Moto: Sendable {
    public struct Scene: Decodable, Sendable {
        public var endpoint: String
        public var region: String
        public var accessKeyID: String
        public var secretAccessKey: String
        /// The keys of a user who may do anything to tables.
        public var writerKeyID: String
        public var writerSecret: String
        /// A role of account 222222222222 that the user may assume.
        public var reader: String
        /// One that it may not.
        public var closed: String
    }

    public let scene: Scene
    private let process = Process()
    private let input = Pipe()

    public init() throws {
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            try python(), packageRoot.appending(path: "Tests/Peers/accounts_in_moto.py").path,
        ]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var line = Data()
        while line.last != 10 {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Failure("moto did not start") }
            line += more
        }
        scene = try JSONDecoder().decode(Scene.self, from: line)
    }

    /// The variables by which a program is the user.
    public var environment: [String: String] {
        [
            "AWS_ACCESS_KEY_ID": scene.accessKeyID,
            "AWS_SECRET_ACCESS_KEY": scene.secretAccessKey, "AWS_SESSION_TOKEN": "",
            "AWS_REGION": scene.region, "NO_PROXY": "*",
        ]
    }

    /// How many requests of each operation came in so far.
    public func counts() throws -> [String: Int] {
        let ask = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"
        let answer = try run([try python(), "-c", ask, scene.endpoint + "/counts"])
        return try JSONDecoder().decode([String: Int].self, from: Data(answer.output.utf8))
    }

    /// Ends it now.
    public func end() { kill(process.processIdentifier, SIGKILL) }

    /// At once, and without waiting: its input may have been inherited by others.
    deinit { kill(process.processIdentifier, SIGKILL) }
}
