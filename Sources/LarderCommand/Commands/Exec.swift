import ArgumentParser
import CMemfd
import Foundation
import LarderGateway
import LarderInspector
import LarderWire
import Logging

struct Exec: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Run a program whose AWS SDK has credentials and tables through the caches.",
        discussion: """
            Examples:
              larder exec -- python report.py
              larder exec --role arn:aws:iam::222222222222:role/reader -- aws s3 ls
              larder exec --profile audit --no-dynamodb -- bash

            The program is told of one endpoint of credentials and of one of DynamoDB on this \
            machine; keys, profiles and roles of the environment are taken away, and the default \
            profile's keys are left out. The credentials are asked for once before it starts, so \
            that a code is typed and a refusal read by then.

            Where an engine with a gateway runs, that one serves the program, which takes this \
            process's place. Where none runs, this process serves it for as long as it runs. Its \
            exit status is the program's: 127 where there is no such program, 126 where it cannot \
            be run, 1 where there are no credentials.
            """)

    @OptionGroup
    var session: SessionOptions

    @Flag(help: "DynamoDB is asked directly, with the same credentials.")
    var noDynamodb = false

    @Argument(parsing: .captureForPassthrough, help: "The program and its arguments, behind --.")
    var command: [String] = []

    private var words: [String] { command.first == "--" ? Array(command.dropFirst()) : command }

    func validate() throws {
        guard !words.isEmpty else {
            throw ValidationError("a program is expected, such as: larder exec -- python report.py")
        }
    }

    func run() async throws {
        do {
            let program = try RunnableCommand(
                words, searching: ProcessInfo.processInfo.environment["PATH"])
            if let open = try session.openGateway() {
                do { _ = try open.pass.session(session.role) } catch { try refuse(error) }
                sayIfDemo(open.pass)
                try program.become(environment(open.pass))
            }
            try await serve(program)
        } catch let missing as RunnableCommand.Missing {
            say(missing.sentence)
            throw Ending(status: missing.status)
        }
    }

    /// Runs the program before a gateway of this process.
    private func serve(_ program: RunnableCommand) async throws {
        let origin = try session.origin()
        let engine = try await Engine.make(origin, hasGateway: true)
        let ended: Result<Foreground.Ended, any Error>
        do {
            ended = .success(try await run(program, before: engine, TableBounds(origin)))
        } catch { ended = .failure(error) }
        await engine.close()
        switch try ended.get() {
        case .status(let status): throw Ending(status: status)
        case .signal(let signal): throw Ending(signal: signal)
        }
    }

    private func run(
        _ program: RunnableCommand, before engine: Engine, _ bounds: TableBounds
    ) async throws -> Foreground.Ended {
        do { _ = try await engine.behindGateway?.lend(session.role).lookUp() } catch {
            try refuse(error)
        }
        let door = GatewayDoor()
        var logger = Logger(label: "larder")
        logger.logLevel = .critical
        let service = try await engine.gateway(bounds).service(
            GatewayAddress(parsing: "127.0.0.1:0"), door, logger)
        let serving = Task {
            do { try await service.run() } catch { door.fail(error) }
        }
        defer { serving.cancel() }
        let variables = environment(try await door.opened())
        return try await Foreground.run { try program.start(variables) }
    }

    /// There are no credentials, and so nothing is started.
    private func refuse(_ error: any Error) throws -> Never {
        say("\(words[0]) is not started: \(Notes.words(error))")
        throw Ending(status: 1)
    }

    private func environment(_ pass: GatewayPass) -> [[UInt8]] {
        CommandEnvironment(
            pass, role: session.role, dynamoDB: !noDynamodb, ProcessInfo.processInfo.environment
        ).applied(to: Self.variables)
    }

    /// This process's own variables, byte by byte.
    private static var variables: [[UInt8]] {
        var variables: [[UInt8]] = []
        var place = larder_environment()
        while let text = place?.pointee {
            variables.append(
                Array(UnsafeBufferPointer(start: text, count: strlen(text))).map {
                    UInt8(bitPattern: $0)
                })
            place = place?.successor()
        }
        return variables
    }
}

/// Whoever gets invented keys is told so.
func sayIfDemo(_ pass: GatewayPass) {
    if pass.isDemo { say("DEMO: the credentials and the accounts are invented") }
}
