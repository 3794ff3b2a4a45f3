import Foundation
import LarderInspector
import TestSupport
import Testing

@testable import LarderCommand

/// Questions are asked at a terminal, or it is said that there is none.
@Suite(.timeLimit(.minutes(2))) struct QuestionTests {
    private func ask(_ terminal: PseudoTerminal) -> Task<String, any Error> {
        Task { try await TerminalQuestions.answer("Code of a phone: ", at: terminal.path) }
    }

    @Test func `an answer is not shown, and the terminal is afterwards as it was`() async throws {
        let terminal = try PseudoTerminal()
        let asking = ask(terminal)
        #expect(await settles { terminal.output.contains("Code of a phone: ") })
        #expect(!terminal.echoes)
        terminal.type("12x\u{7f}34 56\u{15} 123456 \n")
        #expect(try await asking.value == "123456")
        #expect(terminal.echoes)
        #expect(!terminal.output.contains("2"))
    }

    @Test(arguments: ["\n", "  \r", "\u{3}", "12\u{4}"])
    func `an empty answer, or none, is told and not sent`(typed: String) async throws {
        let terminal = try PseudoTerminal()
        let asking = ask(terminal)
        #expect(await settles { terminal.output.contains("Code of a phone: ") })
        terminal.type(typed)
        await #expect(throws: InspectorError.self) { try await asking.value }
        #expect(terminal.echoes)
    }

    // MARK: The whole program

    /// A profile whose role wants a code, and an STS that takes whatever comes.
    private func scene() throws -> (
        upstream: Upstream, environment: [String: String], TemporaryFolder
    ) {
        let end = Date(timeIntervalSinceNow: 3600).formatted(.iso8601)
        let body = """
            <AssumeRoleResponse><AssumeRoleResult><Credentials>\
            <AccessKeyId>ASIAEXAMPLE00001234</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
            <SessionToken>t</SessionToken><Expiration>\(end)</Expiration></Credentials>\
            </AssumeRoleResult></AssumeRoleResponse>
            """
        let upstream = try Upstream(
            .send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body))
        let folder = try TemporaryFolder()
        try """
        [default]
        role_arn = arn:aws:iam::222222222222:role/reader
        source_profile = user
        mfa_serial = arn:aws:iam::111111111111:mfa/phone
        [profile user]
        aws_access_key_id = AKIAEXAMPLE
        aws_secret_access_key = secret
        """.write(toFile: folder.path + "/config", atomically: false, encoding: .utf8)
        return (
            upstream,
            [
                "AWS_CONFIG_FILE": folder.path + "/config",
                "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "*", "no_proxy": "*",
                "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "",
                "XDG_RUNTIME_DIR": folder.path,
            ], folder
        )
    }

    private static let fetch =
        "fetch credentials arn:aws:iam::333333333333:role/other --endpoint-url"

    @Test func `a code is asked at the terminal, and standard input is left alone`() throws {
        let (upstream, environment, folder) = try scene()
        defer { upstream.stop() }
        let input = folder.path + "/input"
        try "999999\n".write(toFile: input, atomically: false, encoding: .utf8)
        let terminal = try Terminal(
            "\(larder) \(Self.fetch) \(upstream.endpoint) < \(input)", columns: 120,
            environment: environment)
        #expect(
            try eventually {
                try terminal.screen().contains("Code of arn:aws:iam::111111111111:mfa/phone:")
            })
        #expect(upstream.requests.isEmpty)
        try terminal.type("123456")
        try terminal.press("Enter")
        #expect(try terminal.exitStatus() == 0)
        let bodies = upstream.requests.map { String(decoding: $0.body, as: UTF8.self) }
        #expect(bodies.first?.contains("TokenCode=123456") == true)
        #expect(try !terminal.screen().contains("123456"))
    }

    @Test func `without a terminal that is said, and nothing is sent`() throws {
        let (upstream, environment, folder) = try scene()
        defer { upstream.stop() }
        let ran = try run(
            ["setsid", "-w", larder] + Self.fetch.split(separator: " ").map(String.init)
                + [upstream.endpoint], environment: environment, input: "123456\n")
        #expect(ran.status == 1)
        #expect(
            ran.errors.contains(
                "the code of arn:aws:iam::111111111111:mfa/phone is needed, and there is no terminal"
            ), "\(ran.errors)")
        #expect(upstream.requests.isEmpty)
        withExtendedLifetime(folder) {}
    }
}
