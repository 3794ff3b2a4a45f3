import ArgumentParser
import Foundation
import LarderGateway
import LarderInspector

struct CredentialProcess: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "credential-process",
        abstract: "Print credentials as a profile's credential_process does.",
        discussion: """
            Stands in ~/.aws/config, for SDKs that know no endpoint of credentials:
              [profile reader]
              credential_process = larder credential-process --role arn:aws:iam::222222222222:role/reader

            A running engine with a gateway gives them from its cache. Where none runs they are \
            asked for anew, each time.
            """)

    @OptionGroup
    var session: SessionOptions

    func run() async throws {
        if let open = try session.openGateway() {
            sayIfDemo(open.pass)
            return Output.print(Self.document(try open.pass.session(session.role)))
        }
        let engine = try await Engine.make(session.origin(), hasGateway: true)
        try await closing(engine) {
            guard let behindGateway = engine.behindGateway else { return }
            let keys = try await behindGateway.lend(session.role).lookUp()
            Output.print(Self.document(ServedSession(keys: keys, now: Date()).json))
        }
    }

    /// What a container's endpoint says, in the words that are expected of a program.
    static func document(_ served: Shown) -> String {
        var fields = [Shown.Field("Version", .number("1"))]
        for (name, from) in [
            ("AccessKeyId", "AccessKeyId"), ("SecretAccessKey", "SecretAccessKey"),
            ("SessionToken", "Token"), ("Expiration", "Expiration"), ("AccountId", "AccountId"),
        ] {
            guard let text = served[from]?.plain, !text.isEmpty else { continue }
            fields.append(.init(name, .text(text)))
        }
        return Shown.fields(fields).json
    }
}
