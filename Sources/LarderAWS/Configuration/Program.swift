import CMemfd
import FoundationEssentials
import Glibc
import LarderInspector

/// A program that is run once, without a shell, for what it prints.
///
/// What it prints goes into memory: no file holds it, and no pipe fills up. Only its own end is
/// waited for, whatever it may have left running.
///
/// It has nothing of this process but its environment and folder: no descriptor, no blocked or
/// ignored signal, and standard input only where that is a terminal at which it may ask. Where there
/// is none it has a session of its own, so that it finds no terminal by itself either: a console
/// may be using it.
struct Program {
    private let words: [String]
    private let environment: [String: String]
    private let secrets: [String: Secret]
    private let terminal: String?
    private let place: String

    init(
        _ words: [String], _ environment: [String: String], _ secrets: [String: Secret] = [:],
        at terminal: String?, _ place: String
    ) {
        self.words = words
        self.environment = environment
        self.secrets = secrets
        self.terminal = terminal
        self.place = place
    }

    struct Ran {
        /// `nil` where it did not end in time.
        var status: Int32?
        var output: Data
        var errors: String
    }

    /// What takes longer may be waiting for an answer, and its question has to be seen.
    private static let silence = Duration.milliseconds(300)

    func run(_ deadline: Duration) async throws -> Ran {
        let files = [Self.file("output"), Self.file("errors")]
        let screen = terminal.map { Screen($0) }
        defer {
            for file in files { close(file) }
            screen?.close()
        }
        let child = try spawn(files)
        let began = ContinuousClock.now
        var state: Int32 = 0
        var pause = Duration.milliseconds(2)
        while waitpid(child, &state, WNOHANG) == 0 {
            let waited = ContinuousClock.now - began
            if waited > Self.silence { screen?.show(files[1]) }
            do {
                guard waited < deadline else { throw CancellationError() }
                try await Task.sleep(for: pause)
            } catch {
                // In a session of its own it leads a group, and whoever it started goes with it.
                kill(terminal == nil ? -child : child, SIGKILL)
                waitpid(child, &state, 0)
                screen?.restore()
                try Task.checkCancellation()
                return Ran(status: nil, output: Data(), errors: Self.text(files[1]))
            }
            pause = min(pause * 2, .milliseconds(100))
        }
        let signal = state & 0x7f
        return Ran(
            status: signal == 0 ? (state >> 8) & 0xff : 128 + signal,
            output: Self.contents(files[0]), errors: Self.text(files[1]))
    }

    /// A file in memory. Its number is above 2: the first three are the child's own.
    private static func file(_ name: String) -> Int32 {
        let file = larder_memfd(name)
        guard (0...2).contains(file) else { return file }
        defer { close(file) }
        return fcntl(file, F_DUPFD_CLOEXEC, 3)
    }

    private func spawn(_ files: [Int32]) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, terminal ?? "/dev/null", O_RDONLY, 0)
        for (place, file) in files.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, file, Int32(place + 1))
        }
        larder_close_from(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        // A worker thread blocks signals, and servers ignore some: a child would inherit both.
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let ownSession: Int32 = 0x80  // POSIX_SPAWN_SETSID, which the Glibc module leaves out
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)
                | (terminal == nil ? Int16(ownSession) : 0))
        var arguments = words.map { strdup($0) } + [nil]
        let hidden = secrets.map { Self.setting($0.key, $0.value) }
        var settings = environment.map { strdup("\($0.key)=\($0.value)") } + hidden + [nil]
        defer {
            for case let text? in hidden { explicit_bzero(text, strlen(text)) }
            (arguments + settings).forEach { free($0) }
        }
        var child: pid_t = 0
        let problem = posix_spawnp(&child, words[0], &actions, &attributes, &arguments, &settings)
        guard problem == 0 else {
            throw AWSError(
                .noCredentials,
                "\(place): \(AWSError.printable(words[0])) cannot be run: "
                    + String(cString: strerror(problem)).lowercased())
        }
        return child
    }

    /// `NAME=VALUE` of a secret, in the one copy that a child is given.
    private static func setting(
        _ name: String, _ value: Secret
    ) -> UnsafeMutablePointer<CChar>? {
        value.withBytes { secret in
            let start = name.utf8.count + 1
            let text = calloc(start + secret.count + 1, 1)
            guard let text else { return nil }
            memcpy(text, name + "=", start)
            memcpy(text + start, secret.baseAddress!, secret.count)
            return text.assumingMemoryBound(to: CChar.self)
        }
    }

    private static func text(_ file: Int32) -> String {
        String(decoding: contents(file).prefix(4096), as: UTF8.self)
    }

    /// Read by places, because the child writes where the descriptor stands.
    private static func contents(_ file: Int32, from start: Int = 0) -> Data {
        var data = Data()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while data.count < 1 << 20,
            case let count = pread(file, &buffer, buffer.count, start + data.count), count > 0
        {
            data += buffer[..<count]
        }
        return data
    }

    /// The terminal while the program may ask there: shows what the program says on its standard
    /// error.
    private final class Screen {
        private let descriptor: Int32
        private var settings = termios()
        private let isKnown: Bool
        private var shown = 0

        init(_ path: String) {
            descriptor = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
            isKnown = tcgetattr(descriptor, &settings) == 0
        }

        func show(_ file: Int32) {
            let fresh = Program.contents(file, from: shown)
            shown += fresh.count
            fresh.withUnsafeBytes { _ = Descriptor.write($0, to: descriptor) }
        }

        /// A program that was ended may have left it without an echo.
        func restore() { if isKnown { tcsetattr(descriptor, TCSANOW, &settings) } }

        func close() { Glibc.close(descriptor) }
    }
}
