import Foundation
import LarderInspector
import LarderWire
import TestSupport
import Testing

@testable import LarderCommand

@Suite struct `The environment of a command` {
    private let pass = GatewayPass(
        url: "http://127.0.0.1:5599", token: "the-token", region: "eu-west-1", isDemo: false)
    private let nowhere = [
        "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    ]

    private func applied(
        _ variables: [String], role: String? = nil, dynamoDB: Bool = true,
        _ environment: [String: String] = [:]
    ) -> [String] {
        CommandEnvironment(
            pass, role: role, dynamoDB: dynamoDB, nowhere.merging(environment) { $1 }
        ).applied(to: variables.map { Array($0.utf8) }).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `has one endpoint, one token, the region and hosts without a proxy`() {
        #expect(
            Set(applied(["HOME=/root"])) == [
                "HOME=/root",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:5599/credentials",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN=the-token", "AWS_REGION=eu-west-1",
                "AWS_DEFAULT_REGION=eu-west-1", "AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:5599",
                "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1",
            ])
    }

    @Test func `has nothing that an SDK heeds first, and no empty variable instead`() {
        let others =
            CommandEnvironment.others + [
                "AWS_REGION", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            ]
        let names = applied(others.flatMap { ["\($0)=x", "\($0)="] } + ["AWS_PROFILES=kept"])
            .map { String($0.prefix { $0 != "=" }) }
        #expect(Set(names).isDisjoint(with: CommandEnvironment.others))
        #expect(names.count(where: { $0 == "AWS_REGION" }) == 1 && names.contains("AWS_PROFILES"))
    }

    @Test func `keeps every other byte, in its order`() {
        let variables: [[UInt8]] = [Array("B=\u{fe}".utf8) + [0xff], Array("A=1=2".utf8), [0x3d]]
        let applied = CommandEnvironment(pass, role: nil, dynamoDB: true, nowhere)
            .applied(to: variables)
        #expect(Array(applied.prefix(3)) == variables)
    }

    @Test func `names a role in an address, whatever characters it has`() {
        let variables = applied([], role: "arn:aws:iam::222222222222:role/a/b+c?d%#e")
        #expect(
            variables.contains(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:5599/role-arn/"
                    + "arn:aws:iam::222222222222:role/a/b%2Bc%3Fd%25%23e"))
    }

    @Test func `asks DynamoDB directly where that is wanted`() {
        let variables = applied(["AWS_ENDPOINT_URL_DYNAMODB=http://own"], dynamoDB: false)
        #expect(variables.contains("AWS_ENDPOINT_URL_DYNAMODB=http://own"))
    }

    @Test(
        arguments: [
            ("", "127.0.0.1"), ("*", "*"), ("a, b", "a,b,127.0.0.1"),
            ("x,127.0.0.1", "x,127.0.0.1"),
        ])
    func `has one more host without a proxy`(known: String, after: String) {
        let variables = applied([], ["NO_PROXY": known])
        #expect(variables.contains("NO_PROXY=\(after)") && variables.contains("no_proxy=\(after)"))
    }

    @Test func `leaves out files whose default profile has keys, and no others`() throws {
        let folder = try TemporaryFolder()
        let config = folder.path + "/config"
        let keys = folder.path + "/credentials"
        try "[default]\nregion = x\n[profile a]\nrole_arn = b\n".write(
            toFile: config, atomically: true, encoding: .utf8)
        try "[default]\naws_access_key_id = a\naws_secret_access_key = b\n".write(
            toFile: keys, atomically: true, encoding: .utf8)
        let variables = applied(
            [], ["AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": keys])
        #expect(variables.contains("AWS_SHARED_CREDENTIALS_FILE=/dev/null"))
        #expect(!variables.contains { $0.hasPrefix("AWS_CONFIG_FILE") })
    }

    @Test(arguments: ["", "plain", "it's", "a b$(x)`y`\\\n\"", "''"])
    func `is written so that a shell reads it as it is`(text: String) throws {
        let word = CommandEnvironment.quoted(text)
        let ran = try run(["sh", "-c", "printf %s \(word)"])
        #expect(ran.status == 0 && ran.output == text)
    }

    @Test func `comes in lines that a shell does the same with`() throws {
        let lines = CommandEnvironment(pass, role: nil, dynamoDB: true, nowhere).shellLines
        let script = "AWS_PROFILE=p; export AWS_PROFILE\n" + lines.joined(separator: "\n") + "\nenv"
        let ran = try run(["sh", "-c", script])
        #expect(ran.output.contains("AWS_CONTAINER_AUTHORIZATION_TOKEN=the-token\n"))
        #expect(!ran.output.contains("AWS_PROFILE="))
    }
}

@Suite struct `A command that is to be run` {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func file(_ name: String, mode: mode_t) throws -> String {
        let path = folder.path + "/" + name
        try "echo".write(toFile: path, atomically: true, encoding: .utf8)
        chmod(path, mode)
        return path
    }

    @Test func `is found as a shell finds it`() throws {
        let path = try file("tool", mode: 0o755)
        #expect(try RunnableCommand(["tool"], searching: "/nowhere:\(folder.path)").path == path)
        #expect(try RunnableCommand([path], searching: nil).path == path)
        #expect(try RunnableCommand(["sh"], searching: nil).path.hasSuffix("/sh"))
    }

    @Test func `is missing with the statuses of a shell`() throws {
        let plain = try file("plain", mode: 0o644)
        for (words, status) in [
            (["none"], 127), (["/none/at/all"], 127), ([plain], 126), ([folder.path], 126),
            (["plain"], 126), ([""], 127),
        ] as [([String], Int32)] {
            let missing = #expect(throws: RunnableCommand.Missing.self) {
                try RunnableCommand(words, searching: folder.path)
            }
            #expect(missing?.status == status, "\(words)")
        }
    }
}

@Suite struct `An answer over a socket that waits` {
    private func answer(_ text: String) throws -> ShortRequest.Answer? {
        try ShortRequest.answer(in: Array(text.utf8))
    }

    @Test func `is there once all of it is`() throws {
        let whole = "HTTP/1.1 200 OK\r\ncontent-type: a\r\nContent-Length: 4\r\n\r\nbody"
        for end in whole.indices { #expect(try answer(String(whole[..<end])) == nil) }
        let found = try answer(whole)
        #expect(found?.status == 200 && found?.body == Array("body".utf8))
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 x\r\nContent-Length: 1\r\n\r\n", "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    ])
    func `is refused where nobody can tell its end`(text: String) {
        #expect(throws: ShortRequest.Broken.self) { try answer(text) }
    }

    @Test func `in the words of a container is printed in those of a program`() throws {
        let served = try Shown(
            json: Array(
                #"{"AccessKeyId":"a","SecretAccessKey":"b","Token":"","Expiration":"c"}"#.utf8))
        #expect(
            CredentialProcess.document(served)
                == #"{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","Expiration":"c"}"#)
    }
}
