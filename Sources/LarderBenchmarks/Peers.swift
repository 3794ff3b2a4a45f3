import Foundation

/// A peer in another language: a process that is told a workload a line, and answers each with
/// one number, or `-` where it has none. It keeps what it made for a workload until another comes.
final class Peer {
    let name: String
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var answered = Data()

    init(_ name: String, _ command: [String]) throws {
        self.name = name
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    func sample(_ workload: String) throws -> Double? {
        try input.fileHandleForWriting.write(contentsOf: Data((workload + "\n").utf8))
        while !answered.contains(UInt8(ascii: "\n")) {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else {
                throw LeftOut("\(name) ended at \"\(workload.prefix(40))\"")
            }
            answered += more
        }
        let line = answered.prefix { $0 != UInt8(ascii: "\n") }
        answered = Data(answered.dropFirst(line.count + 1))
        return Double(String(decoding: line, as: UTF8.self))
    }
}

extension Peer {
    /// What is installed of the peers; of each other one, `leftOut` is told why.
    static func installed(in root: URL?, leftOut: (String) -> Void) -> [Peer] {
        [("caffeine", startCaffeine), ("cachetools", startCachetools)].compactMap { name, start in
            do {
                guard let root else {
                    throw LeftOut("no Tests/Peers here or above; run it within the package")
                }
                return try start(root.appending(path: "Tests/Peers"))
            } catch {
                leftOut("\(name) is left out: \(error)")
                return nil
            }
        }
    }

    private static func startCaffeine(_ folder: URL) throws -> Peer {
        let jar = "/usr/share/java/caffeine.jar"
        guard FileManager.default.fileExists(atPath: jar), succeeds(["javac", "-version"]) else {
            throw LeftOut("no javac or no \(jar); Debian has openjdk-17-jdk and libcaffeine-java")
        }
        let source = folder.appending(path: "CaffeinePeer.java").path
        return try Peer("caffeine", ["java", "-cp", jar, source])
    }

    private static func startCachetools(_ folder: URL) throws -> Peer {
        let own = folder.appending(path: "../../.venv/bin/python").standardized.path
        let python = [own, "python3"].first { succeeds([$0, "-c", "import cachetools.func"]) }
        guard let python else {
            throw LeftOut("no Python has it; .ci/setup --tests installs it")
        }
        return try Peer("cachetools", [python, folder.appending(path: "cachetools_peer.py").path])
    }

    private static func succeeds(_ command: [String]) -> Bool {
        (try? printed(by: command)) != nil
    }
}
