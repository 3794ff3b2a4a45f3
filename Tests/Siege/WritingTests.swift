import Foundation
import TestSupport
import Testing

/// Where what is written does not go: a full disk, a closed descriptor, a reader that has gone or
/// stopped reading.
@Suite(.timeLimit(.minutes(5))) struct `What cannot be written` {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        chmod(folder.path, 0o700)
    }

    private func engine(_ arguments: String, _ out: Sink, _ err: Sink) throws -> Spawned {
        let engine = try Spawned(
            "serve --latency 1ms \(arguments)", in: folder,
            [.path("/dev/null"), out.stream, err.stream])
        let socket = folder.path + "/larder/demo.sock"
        guard eventually({ (try? RawPeer(socket)) != nil }) else {
            throw Failure("the engine does not listen: \(err.read())")
        }
        return engine
    }

    /// Runs a command to its end.
    private func larder(
        _ arguments: String, out: Sink = Sink(.fine), err: Sink = Sink(.fine)
    ) throws -> (end: String, output: String, errors: String) {
        let command = try Spawned(
            arguments, in: folder, [.path("/dev/null"), out.stream, err.stream])
        var (output, errors) = ("", "")
        guard
            eventually({
                // A reader that has stopped does not read here either.
                if out.fault == .fine { output += out.read() }
                if err.fault == .fine { errors += err.read() }
                return !command.runs
            })
        else { throw Failure("larder \(arguments) does not end: \(errors)") }
        if out.fault == .fine { output += out.read() }
        if err.fault == .fine { errors += err.read() }
        return (try command.end(), output, errors)
    }

    private static let faults = Sink.Fault.allCases.filter { $0 != .fine }

    @Test(arguments: ["text", "json"], faults)
    func `is no reason for an engine to end, nor to answer later`(format: String, fault: Sink.Fault)
        throws
    {
        let (out, err) = (Sink(fault), Sink(fault))
        let engine = try engine("--traffic 50 --log-format \(format)", out, err)
        for _ in 0..<3 { engine.signal(SIGHUP) }
        #expect(try larder("fetch account 100000000001 --target demo").end == "exit 0")
        #expect(engine.runs)
        engine.signal(SIGTERM)
        #expect(try engine.end() == "exit 0")
    }

    private static let looks = [
        "caches", "caches --format csv", "entries --format json", "events --format csv",
        "entry accounts 100000000000", "changes --format json",
        "fetch account 100000000001 --target demo", "set accounts ttl=50s --dry-run",
        "invalidate accounts 100000000001 --dry-run --format json",
        "top --once --for 0s --traffic 0", "--help", "--version", "fetch",
        "--generate-completion-script bash",
    ]

    @Test func `gives a command the status 1, unless its reader has read enough`() throws {
        let engine = try engine(
            "--warm 3 --cache accounts:ttl=1h", Sink(.fine), Sink(.fine))
        #expect(eventually { (try? larder("entries").output.contains("100000000002")) == true })
        #expect(try larder("set accounts jitter=1% --yes").end == "exit 0")
        for command in some(Self.looks, oneIn: 3) {
            for fault in [Sink.Fault.full, .closed] {
                let ran = try larder(command, out: Sink(fault))
                #expect(ran.end == "exit 1", "\(command) \(fault): \(ran)")
                #expect(ran.errors.contains("could not be written"), "\(command) \(fault): \(ran)")
            }
            let left = try larder(command, out: Sink(.gone))
            #expect(left.end == "exit 0", "\(command): \(left)")
            #expect(!left.errors.contains("written"), "\(command): \(left)")
        }
        for fault in Self.faults {
            // A note waits a second for its reader, and only the first.
            for command in ["caches", "fetch account 100000000001 --target demo", "--help"] {
                let ran = try larder(command, err: Sink(fault))
                #expect(ran.end == "exit 0" && !ran.output.isEmpty, "\(command) \(fault): \(ran)")
            }
        }
        for fault in Self.faults {
            #expect(try larder("caches --nonsense", err: Sink(fault)).end == "exit 64")
            #expect(try larder("caches --target nobody", err: Sink(fault)).end == "exit 69")
        }
        #expect(engine.runs)
    }

    @Test(arguments: [
        (Sink.Fault.full, "exit 1"), (.closed, "exit 1"), (.gone, "exit 0"), (.fine, "exit 0"),
    ])
    func `ends a console in lines, with a sentence`(fault: Sink.Fault, end: String) throws {
        let ran = try larder("top --plain --traffic 0", out: Sink(fault))
        #expect(ran.end == end, "\(ran)")
        #expect(ran.errors.contains("standard output") == (end == "exit 1"), "\(ran)")
    }

    @Test func `does not undo a change, nor keep its result from whom it can be told`() throws {
        let audit = folder.path + "/audit.jsonl"
        let engine = try engine("--warm 3 --audit \(audit)", Sink(.fine), Sink(.fine))
        var changes = 0
        func change(_ format: String, out: Sink = Sink(.fine), err: Sink = Sink(.fine)) throws -> (
            end: String, output: String, errors: String
        ) {
            changes += 1
            let ran = try larder(
                "set accounts ttl=\(60 + changes)s --yes --format \(format)", out: out, err: err)
            let lines = try String(contentsOfFile: audit, encoding: .utf8).split(separator: "\n")
            #expect(lines.count == changes && lines.last?.contains("\(60 + changes)") == true)
            return ran
        }
        for format in ["text", "json", "csv"] {
            for fault in Self.faults where fault != .stopped {
                let ran = try change(format, out: Sink(fault))
                #expect(ran.end == (fault == .gone ? "exit 0" : "exit 1"), "\(fault): \(ran)")
                #expect(ran.errors.contains("s; 0 removed\n"), "\(fault): \(ran)")
            }
            for fault in Self.faults {
                let ran = try change(format, err: Sink(fault))
                #expect(ran.end == "exit 0" && !ran.output.isEmpty, "\(fault): \(ran)")
            }
        }
        #expect(engine.runs)
        let look = try larder("caches").output
        #expect(look.contains("1m\(changes)s"), "\(look)")
    }

    @Test(arguments: [
        (Sink.Fault.full, "exit 1"), (.closed, "exit 1"), (.gone, "exit 0"),
    ])
    func `ends who follows events, at once though nothing happens`(fault: Sink.Fault, end: String)
        throws
    {
        let engine = try engine("--warm 1", Sink(.fine), Sink(.fine))
        let ran = try larder("events --follow", out: Sink(fault))
        #expect(ran.end == end, "\(ran)")
        let watched = Sink(.fine)
        let follower = try Spawned(
            "events --follow", in: folder, [.path("/dev/null"), watched.stream, .closed])
        var seen = ""
        #expect(
            eventually {
                seen += watched.read()
                return seen.contains("accounts")
            })
        #expect(follower.runs && engine.runs)
    }

    @Test(arguments: [false, true])
    func `yet loses nothing, because its reader is slow or does not want to be waited for`(
        nonblocking: Bool
    ) throws {
        let engine = try engine(
            "--accounts 500 --warm 400 --cache accounts:maxsize=1000,ttl=1h", Sink(.fine),
            Sink(.fine))
        #expect(eventually { (try? larder("caches").output.contains("400")) == true })
        let slow = Sink(.stopped, nonblocking: nonblocking)
        let command = try Spawned(
            "entries --format json", in: folder, [.path("/dev/null"), slow.stream, .closed])
        var output = ""
        #expect(
            eventually {
                output += slow.read()
                return !command.runs
            })
        output += slow.read()
        #expect(try command.end() == "exit 0")
        let look = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any]
        #expect((look?["entries"] as? [Any])?.count == 400)
        #expect(engine.runs)
    }

    @Test func `because files may not grow is a sentence too`() throws {
        let engine = try Besieged("--warm 1")
        let ran = try engine.shell("ulimit -f 0; $larder caches >'\(folder.path)/out'")
        #expect(ran.status == 1, "\(ran)")
        #expect(engine.runs)
    }

    @Test(arguments: ["000", "001", "010", "011", "100", "101", "110", "111"])
    func `to a descriptor that was closed goes into no file of the engine's`(closed: String) throws
    {
        let streams = closed.map { $0 == "1" ? Spawned.Stream.closed : .path("/dev/null") }
        let engine = try Spawned("serve --latency 1ms --traffic 50", in: folder, streams)
        #expect(eventually { (try? RawPeer(folder.path + "/larder/demo.sock")) != nil })
        for descriptor in 0...2 {
            #expect(
                try FileManager.default.destinationOfSymbolicLink(
                    atPath: "/proc/\(engine.pid)/fd/\(descriptor)") == "/dev/null")
        }
        let command = try Spawned("caches", in: folder, streams)
        #expect(try command.end() == (closed.dropFirst().first == "1" ? "exit 1" : "exit 0"))
        engine.signal(SIGTERM)
        #expect(try engine.end() == "exit 0")
    }

    @Test func `of a start that is refused tells the reason, and of no end`() throws {
        let first = try Besieged()
        let second = try first.larder("serve", "--name", "demo")
        #expect(second.status == 1)
        let lines = second.errors.split(separator: "\n")
        #expect(lines.first?.contains("demo") == true, "\(second)")
        #expect(!second.errors.contains("ended"), "\(second)")
    }
}
