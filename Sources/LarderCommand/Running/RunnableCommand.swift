import Foundation
import LarderInspector

/// A command that somebody wants to be run, found as a shell finds it.
struct RunnableCommand {
    let path: String
    let words: [String]

    /// Why one cannot be run, and the status by which shells say so.
    struct Missing: Error {
        var sentence: String
        var status: Int32

        init(_ name: String, _ problem: Int32) {
            let name = PlainText.fit(name)
            switch problem {
            case ENOENT, ENOTDIR:
                sentence = "\(name): there is no such command"
                status = 127
            default:
                sentence = "\(name) cannot be run: \(Descriptor.reason(problem))"
                status = 126
            }
        }
    }

    /// - Throws: ``Missing``, before anything was done for the command.
    init(_ words: [String], searching path: String?) throws(Missing) {
        self.words = words
        let name = words[0]
        guard !name.contains("/") else {
            self.path = name
            let problem = Self.problem(name)
            guard problem == 0 else { throw Missing(name, problem) }
            return
        }
        var found = ENOENT
        for folder in (path ?? "/usr/bin:/bin").split(
            separator: ":", omittingEmptySubsequences: false) where !name.isEmpty
        {
            let file = (folder.isEmpty ? "." : String(folder)) + "/" + name
            switch Self.problem(file) {
            case 0:
                self.path = file
                return
            case ENOENT, ENOTDIR: continue
            case let problem: found = problem
            }
        }
        throw Missing(name, found)
    }

    /// Why a file cannot be run; 0 where it can.
    private static func problem(_ file: String) -> Int32 {
        var facts = stat()
        guard stat(file, &facts) == 0 else { return errno }
        guard facts.st_mode & S_IFMT == S_IFREG else { return EACCES }
        return access(file, X_OK) == 0 ? 0 : errno
    }

    /// Becomes the command: no process of ours is left, and all that happens to it is its own.
    func become(_ environment: [[UInt8]]) throws(Missing) -> Never {
        Inherited.own.restore()
        Inherited.own.restoreSignals()
        let problem = withStrings(words, environment) { words, environment in
            execve(path, words, environment)
            return errno
        }
        guard problem == ENOEXEC else { throw Missing(words[0], problem) }
        // A script that does not say by what it is run is the shell's.
        let second = withStrings(script, environment) { words, environment in
            execve("/bin/sh", words, environment)
            return errno
        }
        throw Missing(words[0], second)
    }

    private var script: [String] { ["/bin/sh", path] + words.dropFirst() }

    /// Starts the command beside this process, in its group: a terminal's keys are for both.
    func start(_ environment: [[UInt8]]) throws(Missing) -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        Inherited.own.describe(&attributes)
        Inherited.own.restore()
        defer { Inherited.forgoCores() }
        var child: pid_t = 0
        var problem = withStrings(words, environment) {
            posix_spawn(&child, path, nil, &attributes, $0, $1)
        }
        if problem == ENOEXEC {
            problem = withStrings(script, environment) {
                posix_spawn(&child, "/bin/sh", nil, &attributes, $0, $1)
            }
        }
        guard problem == 0 else { throw Missing(words[0], problem) }
        return child
    }

    private typealias Strings = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

    private func withStrings(
        _ words: [String], _ environment: [[UInt8]], _ body: (Strings, Strings) -> Int32
    ) -> Int32 {
        var words = words.map { strdup($0) } + [nil]
        var variables =
            environment.map { bytes in
                (bytes + [0]).withUnsafeBytes {
                    strdup($0.baseAddress!.assumingMemoryBound(to: CChar.self))
                }
            } + [nil]
        defer { for text in words + variables { free(text) } }
        return words.withUnsafeMutableBufferPointer { words in
            variables.withUnsafeMutableBufferPointer {
                body(words.baseAddress!, $0.baseAddress!)
            }
        }
    }
}
