import ArgumentParser
import Foundation
import LarderInspector

struct EnvironmentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "env",
        abstract: "Print the lines by which a shell's programs use a running engine's gateway.",
        discussion: """
            Example:
              eval "$(larder env)"

            They hold the token that opens the gateway, and no keys. It is good until the engine \
            ends; larder exec needs no such lines.
            """)

    @Option(
        help: """
            The role to assume, by its ARN. (default: none, the credentials are those that the \
            engine itself has)
            """)
    var role: String?

    @Flag(help: "DynamoDB is asked directly, with the same credentials.")
    var noDynamodb = false

    @OptionGroup
    var target: Target

    func validate() throws { try SessionOptions.check(role) }

    func run() async throws {
        do {
            guard let open = try OpenGateway.found(target.target) else {
                throw OpenGateway.nobody
            }
            // A refusal is read now, and not in every program.
            _ = try open.pass.session(role)
            sayIfDemo(open.pass)
            let environment = CommandEnvironment(
                open.pass, role: role, dynamoDB: !noDynamodb,
                ProcessInfo.processInfo.environment)
            for line in environment.shellLines { Output.print(line) }
        } catch let missed as Target.Missed {
            for line in missed.lines { say(line) }
            throw Ending(status: missed.status)
        }
    }
}
