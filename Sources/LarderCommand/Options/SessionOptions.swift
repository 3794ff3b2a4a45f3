import ArgumentParser
import Foundation
import LarderAWS
import LarderInspector

/// Whose session a program is to have, and from where.
struct SessionOptions: ParsableArguments {
    @Option(
        help: """
            The role to assume, by its ARN. (default: none, the credentials are those that larder \
            itself has)
            """)
    var role: String?

    @Option(
        help: """
            A profile of ~/.aws/config or ~/.aws/credentials; it is read by this command itself, and \
            no running engine is asked.
            """)
    var profile: String?

    @Option(help: "The AWS region, likewise for a command that asks no running engine.")
    var region: String?

    @Option(
        help: "Another address for DynamoDB and STS, likewise, such as http://127.0.0.1:5000.")
    var endpointURL: String?

    @OptionGroup
    var target: Target

    func validate() throws { try Self.check(role) }

    static func check(_ role: String?) throws {
        guard let role else { return }
        do { _ = try IAMRole(role) } catch { throw ValidationError("--role: \(error)") }
    }

    /// The gateway of a running engine; `nil` where none is to be asked, or none has one.
    ///
    /// - Throws: ``Ending``, once it is said why.
    func openGateway() throws -> OpenGateway? {
        if target.target == nil, profile ?? region ?? endpointURL != nil { return nil }
        do { return try OpenGateway.found(target.target) } catch let missed as Target.Missed {
            for line in missed.lines { say(line) }
            throw Ending(status: missed.status)
        }
    }

    /// What an engine of this process is made of: AWS, with the settings that one has that is started.
    func origin() throws -> OriginOptions {
        let named = [("profile", profile), ("region", region), ("endpoint-url", endpointURL)]
            .compactMap { name, value in value.map { "--\(name)=\($0)" } }
        let words = try Settings.arguments(
            before: ["serve", "--origin=aws"] + named, ProcessInfo.processInfo.environment)
        return try Serve.parse(Array(words.dropFirst())).origin
    }
}
