import FoundationEssentials
import Larder
import LarderInspector

/// A program that prints credentials: `credential_process` of a profile.
struct ProcessProvider: CredentialProvider {
    var command: Setting
    var environment: [String: String]
    /// Secret variables: the program gets them as this process had them, as with botocore.
    var secrets: [String: Secret] = [:]
    var clock: AgeClock
    /// How long it may take.
    var deadline = Duration.seconds(60)
    /// The terminal at which it may ask now, if there is one.
    var terminal: @Sendable () -> String? = { nil }

    var identity: String { "credential_process of \(command.place)" }
    /// It may give a role's session or a user's: it does not say.
    var givesSessions: Bool { false }

    func credentials() async throws -> Credentials {
        guard let words = shellWords(command.value) else {
            throw AWSError(
                .invalid, "\(command.place): credential_process has a quote that is not closed")
        }
        guard let program = words.first, !program.isEmpty else {
            throw AWSError(
                .invalid,
                "\(command.place): credential_process is empty; write a program and its arguments")
        }
        let ran = try await Program(
            words, environment, secrets, at: terminal(), command.place
        ).run(deadline)
        let who = "\(command.place): credential_process"
        switch ran.status {
        case 0: break
        case nil:
            var error = AWSError(
                .noCredentials, "\(who) did not end within \(Units.text(deadline))",
                saidByProgram: ran.errors)
            error.isLate = true
            throw error
        case let status?:
            throw AWSError(
                .noCredentials, "\(who) failed (exit code \(status))", saidByProgram: ran.errors)
        }
        // What it printed is never repeated: it may be the secret.
        guard let keys = try? JSONDecoder().decode(ServedKeys.self, from: ran.output) else {
            throw AWSError(.noCredentials, "\(who) printed no JSON that holds credentials")
        }
        guard keys.Version == 1 else {
            throw AWSError(
                .noCredentials, "\(who) printed another Version than 1, the one there is")
        }
        return try keys.credentials(from: who, .process(command.place), clock: clock)
    }
}
