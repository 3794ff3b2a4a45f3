import CMemfd
import Foundation
import Larder

/// A program that prints credentials: `credential_process` of a profile.
struct ProcessProvider: CredentialProvider {
    var command: Setting
    var environment: [String: String]
    var clock: AgeClock
    /// How long it may take.
    var deadline = Duration.seconds(60)

    var identity: String { "credential_process of \(command.place)" }
    var givesSessions: Bool { false }

    func credentials() async throws -> Credentials {
        guard let words = shellWords(command.value), !words.isEmpty else {
            throw AWSError(
                .invalid, "\(command.place): credential_process has a quote that is not closed")
        }
        let ran = try await run(words)
        let who = "\(command.place): credential_process"
        guard ran.status == 0 else {
            let said = AWSError.printable(
                ran.errors.trimmingCharacters(in: .whitespacesAndNewlines))
            throw AWSError(
                .noCredentials,
                "\(who) failed (exit code \(ran.status))" + (said.isEmpty ? "" : ": \(said)"))
        }
        // What it printed is never repeated: it may be the secret.
        guard let keys = try? JSONDecoder().decode(ServedKeys.self, from: ran.output) else {
            throw AWSError(.noCredentials, "\(who) printed no JSON that holds credentials")
        }
        guard keys.Version == 1 else {
            throw AWSError(
                .noCredentials, "\(who) printed another Version than 1, the one there is")
        }
        return try keys.credentials(from: who, clock: clock)
    }

    private struct Ran {
        var status: Int32
        var output: Data
        var errors: String
    }

    /// Runs the program without a shell. What it prints goes into memory: no file holds it, and no
    /// pipe fills up. Only its own end is waited for, whatever it may have left running.
    private func run(_ words: [String]) async throws -> Ran {
        let files = [larder_memfd("output"), larder_memfd("errors")]
        defer { for file in files { close(file) } }
        let child = try spawn(words, files)
        let end = ContinuousClock.now + deadline
        var state: Int32 = 0
        var pause = Duration.milliseconds(2)
        while waitpid(child, &state, WNOHANG) == 0 {
            do {
                guard ContinuousClock.now < end else {
                    throw AWSError(
                        .noCredentials,
                        "\(command.place): credential_process did not end within "
                            + "\(deadline.components.seconds) s")
                }
                try await Task.sleep(for: pause)
            } catch {
                kill(child, SIGKILL)
                waitpid(child, &state, 0)
                throw error
            }
            pause = min(pause * 2, .milliseconds(100))
        }
        let signal = state & 0x7f
        return Ran(
            status: signal == 0 ? (state >> 8) & 0xff : 128 + signal, output: contents(files[0]),
            errors: String(decoding: contents(files[1]).prefix(4096), as: UTF8.self))
    }

    private func spawn(_ words: [String], _ files: [Int32]) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (place, file) in files.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, file, Int32(place + 1))
        }
        // A worker thread blocks signals, and a child would inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var arguments = words.map { strdup($0) } + [nil]
        var settings = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (arguments + settings).forEach { free($0) } }
        var child: pid_t = 0
        let problem = posix_spawnp(&child, words[0], &actions, &attributes, &arguments, &settings)
        guard problem == 0 else {
            throw AWSError(
                .noCredentials,
                "\(command.place): \(AWSError.printable(words[0])) cannot be run: "
                    + String(cString: strerror(problem)).lowercased())
        }
        return child
    }

    private func contents(_ file: Int32) -> Data {
        lseek(file, 0, SEEK_SET)
        var data = Data()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while data.count < 1 << 20, case let count = read(file, &buffer, buffer.count), count > 0 {
            data += buffer[..<count]
        }
        return data
    }
}
