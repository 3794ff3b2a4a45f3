public import Foundation

/// Where the package stands.
public let packageRoot = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

/// The built program `larder`, beside the tests that were built with it.
public let larder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    .appending(path: "larder").path

/// What a command came to.
public struct Ran: Sendable {
    public var status: Int32
    public var output: String
    public var errors: String
}

/// Runs a command to its end, its output going to files so that no pipe can fill up.
///
/// Not by Foundation's `Process`: that one waits for every descendant that keeps its descriptors,
/// and a terminal server stays behind on purpose.
public func run(
    _ command: [String], environment: [String: String] = [:], input: String = ""
) throws -> Ran {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["in", "out", "err"].map { folder.appending(path: $0).path }
    try input.write(toFile: files[0], atomically: false, encoding: .utf8)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (descriptor, file) in files.enumerated() {
        let flags = descriptor == 0 ? O_RDONLY : O_WRONLY | O_CREAT
        posix_spawn_file_actions_addopen(&actions, Int32(descriptor), file, flags, 0o600)
    }
    let child = try spawn(command, environment: environment, &actions)
    var state: Int32 = 0
    while waitpid(child, &state, 0) == -1 && errno == EINTR {}
    let signal = state & 0x7f
    func text(_ file: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
    }
    return Ran(
        status: signal == 0 ? state >> 8 & 0xff : 128 + signal, output: try text(files[1]),
        errors: try text(files[2]))
}

/// Starts a program in a process of its own, with signals as they are for a program that a shell
/// starts: a worker thread blocks some, and what it starts would do so too and never see a child end.
///
/// - Parameters:
///   - actions: What becomes of its descriptors.
///   - session: Whether it has a session of its own.
/// - Returns: Its process, to be waited for.
public func spawn(
    _ command: [String], environment: [String: String] = [:],
    _ actions: inout posix_spawn_file_actions_t, session: Bool = false
) throws -> pid_t {
    // What others of this process have open is nothing to it, and takes places where these are few.
    for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? [] {
        guard let descriptor = Int32(name), descriptor > 2 else { continue }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    // POSIX_SPAWN_SETSID, which the Glibc module leaves out.
    let ownSession: Int16 = session ? 0x80 : 0
    posix_spawnattr_setflags(
        &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | ownSession)
    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    var arguments = command.map { strdup($0) } + [nil]
    var settings = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (arguments + settings).forEach { free($0) } }
    var child: pid_t = 0
    let failed = posix_spawnp(&child, command[0], &actions, &attributes, &arguments, &settings)
    guard failed == 0 else {
        throw Failure("\(command[0]): \(String(cString: strerror(failed)))")
    }
    return child
}

/// Waits until `holds`, looking again every moment; false where it did not within the time.
public func eventually(within limit: Duration = .seconds(20), _ holds: () throws -> Bool) rethrows
    -> Bool
{
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try holds() { return true }
        usleep(20_000)
    }
    return try holds()
}

public struct Failure: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}

/// The Python that has the peers: the project's own environment, else one that has them anyway.
public func python() throws -> String {
    let own = packageRoot.appending(path: ".venv/bin/python").path
    for candidate in [own, "python3"] {
        let check = try? run([candidate, "-c", "import boto3, botocore, flask, moto"])
        if check?.status == 0 { return candidate }
    }
    throw Failure("no Python with moto and boto3; Tests/run sets one up")
}
