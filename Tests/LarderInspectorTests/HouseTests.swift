import Foundation
import Testing

/// Facts that had several homes, and must not have them again: each line is a way of writing that
/// stands in one file alone.
@Suite struct `One home` {
    private static let sources = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources")

    /// What the program is made of: benchmarks report to nobody else.
    private static let files: [(path: String, text: String)] = {
        let found = FileManager.default.enumerator(atPath: sources.path)
        let paths = (found?.allObjects as? [String] ?? []).filter {
            $0.hasSuffix(".swift") && !$0.hasPrefix("LarderBenchmarks/")
        }
        return paths.compactMap { path in
            (try? String(contentsOf: sources.appending(path: path), encoding: .utf8)).map {
                (path, $0)
            }
        }
    }()

    @Test(arguments: [
        ("LarderSocket", "AsyncHTTPClient"), ("LarderWire", "AsyncHTTPClient"),
        ("LarderWire", "Hummingbird"), ("LarderRemote", "Hummingbird"),
        ("LarderRemote", "LarderSocket"), ("LarderSocket", "LarderRemote"),
        ("LarderInspector", "NIO"), ("LarderConsole", "NIO"),
    ])
    func `needs no neighbour that it is to do without`(module: String, other: String) {
        let files = Self.files.filter { $0.path.hasPrefix(module + "/") }
        #expect(!files.isEmpty)
        let lines = files.flatMap { $0.text.split(separator: "\n") }
        #expect(
            !lines.contains {
                $0.hasSuffix("import \(other)") || $0.contains("import \(other)Core")
            })
    }

    @Test(arguments: [
        ("JSONEncoder()", "LarderInspector/Text/PlainJSON.swift"),
        ("digits: 1) + \"%\"", "LarderInspector/Text/Format.swift"),
        ("[\"B\", \"KiB\"", "LarderInspector/Text/Format.swift"),
        (".milliseconds(950)", "Larder/Counting/Chronicle.swift"),
        ("if case .soften", "LarderInspector/Changing/Change.swift"),
    ])
    func `has what would be easy to write again`(words: String, home: String) {
        #expect(Self.files.count > 100)
        #expect(Self.files.filter { $0.text.contains(words) }.map(\.path) == [home])
    }
}
