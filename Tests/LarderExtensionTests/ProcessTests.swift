import Foundation
import LarderGateway
import TestSupport
import Testing

@testable import LarderExtension

/// The program itself, in places that are not made for it: it stays, it answers, and it says what is
/// wrong.
@Suite(.serialized, .timeLimit(.minutes(2))) struct `The extension as a process` {
    /// One that runs.
    private final class Running {
        let process: pid_t
        private let folder: TemporaryFolder
        private var status: Int32?

        /// - Parameter script: What a shell does in a mount namespace of its own before it becomes the
        ///   program, which it has open as 9: what stands at the program's place may go.
        init(_ environment: [String: String], script: String? = nil) throws {
            folder = try TemporaryFolder()
            let program = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
                .appending(path: "larder-extension").path
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            for descriptor in Int32(1)...2 {
                posix_spawn_file_actions_addopen(
                    &actions, descriptor, folder.path + "/log", O_WRONLY | O_CREAT | O_APPEND, 0o600
                )
            }
            let usual = [
                "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "canary-of-the-process", "AWS_SESSION_TOKEN": "",
                "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                "LARDER_GATEWAY": "127.0.0.1:0", "LARDER_CACHE": "", "NO_PROXY": "*",
            ]
            process = try spawn(
                script.map {
                    [
                        "unshare", "-m", "sh", "-c", "exec 9< \"$0\"; \($0); exec /proc/self/fd/9",
                        program,
                    ]
                }
                    ?? [program],
                environment: usual.merging(environment) { $1 }, &actions)
        }

        var said: String {
            (try? String(contentsOfFile: folder.path + "/log", encoding: .utf8)) ?? ""
        }

        var isThere: Bool { status == nil && waitpid(process, &ended, WNOHANG) == 0 }
        private var ended: Int32 = 0

        /// Waits for its end, and returns its status.
        func end() -> Int32 {
            var state: Int32 = 0
            while waitpid(process, &state, 0) == -1 && errno == EINTR {}
            status = state
            return state
        }

        /// Where it listens, once it does.
        func address() throws -> GatewayAddress {
            var found: Substring?
            _ = eventually {
                found = said.firstMatch(of: /address=(127\.0\.0\.1:[0-9]+)/)?.output.1
                return found != nil
            }
            guard let found else { throw Failure("it does not listen: \(said)") }
            return try GatewayAddress(parsing: String(found))
        }

        deinit {
            guard status == nil else { return }
            kill(process, SIGKILL)
            _ = end()
        }
    }

    private static let mayUnshare = (try? run(["unshare", "-m", "true"]))?.status == 0

    /// An item asked for without a signature: what comes back is the gateway's own.
    private func ask(_ address: GatewayAddress) throws -> Ran {
        try run([
            "curl", "-s", "--noproxy", "*", "-m", "10", "-w", " %{http_code}", "-H",
            "Content-Type: application/x-amz-json-1.0", "-H",
            "X-Amz-Target: DynamoDB_20120810.GetItem", "-d", "{\"TableName\":\"t\",\"Key\":{}}",
            "http://\(address)/",
        ])
    }

    @Test func `it listens before it registers, and ends as soon as it is told to`() async throws {
        let lambda = try ScriptedLambda()
        let running = try Running(["AWS_LAMBDA_RUNTIME_API": lambda.place])
        await lambda.arrived(2)
        let lines = running.said.split(separator: "\n").map(String.init)
        let listens = try #require(lines.firstIndex { $0.contains("gateway listening") })
        let registered = try #require(lines.firstIndex { $0.contains("registered") })
        #expect(listens < registered)
        #expect(lambda.requests[0].head.contains("Lambda-Extension-Name: larder-extension\r\n"))
        #expect(Wrapper.isAnswering(try running.address()))
        lambda.say(.invoke(deadline: "null"))
        lambda.say(.shutdown("SandboxTerminated"))
        #expect(running.end() == 0)
        #expect(running.said.contains(#""ShutdownReason":"SandboxTerminated""#))
        #expect(!running.said.contains("canary"))
    }

    @Test func `metrics may be left out`() throws {
        let lambda = try ScriptedLambda()
        lambda.say(.shutdown("SPINDOWN"))
        let running = try Running(["AWS_LAMBDA_RUNTIME_API": lambda.place, "LARDER_METRICS": "off"])
        #expect(running.end() == 0 && !running.said.contains("CloudWatchMetrics"))
    }

    @Test func `not registered, it answers all the same`() async throws {
        let lambda = try ScriptedLambda(registers: [
            .refused("Extension.InvalidExtensionState", "from Registered to Registered failed")
        ])
        let running = try Running(["AWS_LAMBDA_RUNTIME_API": lambda.place])
        await lambda.arrived(1)
        #expect(eventually { running.said.contains("not registered: HTTP 403") })
        #expect(Wrapper.isAnswering(try running.address()) && running.isThere)
    }

    @Test func `with its port taken it says so, registers, and takes it when it is free`()
        async throws
    {
        let lambda = try ScriptedLambda()
        let other = try Upstream(.send("HTTP/1.1 404 Other\r\nContent-Length: 0\r\n\r\n"))
        let place = "127.0.0.1:\(other.port)"
        let running = try Running([
            "AWS_LAMBDA_RUNTIME_API": lambda.place, "LARDER_GATEWAY": place,
        ])
        await lambda.arrived(2)
        #expect(running.said.contains("nothing can listen at \(place)") && running.isThere)
        let address = try GatewayAddress(parsing: place)
        #expect(!Wrapper.isAnswering(address))
        other.stop()
        #expect(eventually { Wrapper.isAnswering(address) })
    }

    @Test(.enabled(if: mayUnshare)) func `with a full /tmp it is as ever`() async throws {
        let lambda = try ScriptedLambda()
        let running = try Running(
            ["AWS_LAMBDA_RUNTIME_API": lambda.place],
            script: "mount -t tmpfs -o size=4k none /tmp; head -c 9999 /dev/zero > /tmp/full")
        await lambda.arrived(2)
        lambda.say(.shutdown("SPINDOWN"))
        #expect(running.end() == 0 && running.said.contains("CloudWatchMetrics"))
    }

    /// What has the extension ask an endpoint for its keys.
    private func keysOf(_ endpoint: String, _ lambda: ScriptedLambda) -> [String: String] {
        [
            "AWS_LAMBDA_RUNTIME_API": lambda.place, "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "token",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint + "/credentials",
        ]
    }

    @Test func `keys that ended in the year 1 are not used, and it stays`() async throws {
        let keys =
            #"{"AccessKeyId":"A","SecretAccessKey":"canary","Token":"t","#
            + #""Expiration":"0001-01-01T00:00:00Z"}"#
        let endpoint = try Upstream(
            .send("HTTP/1.1 200 OK\r\nContent-Length: \(keys.utf8.count)\r\n\r\n\(keys)"))
        let lambda = try ScriptedLambda()
        let running = try Running(keysOf(endpoint.endpoint, lambda))
        await lambda.arrived(2)
        #expect(eventually { running.said.contains("the function's own keys are not known yet") })
        #expect(try ask(running.address()).output.contains("MissingAuthenticationToken"))
        #expect(running.isThere && !running.said.contains("canary"))
    }

    @Test func `while its keys are waited for, it listens and is registered`() async throws {
        let silent = try Upstream(.untilClosed)
        defer { silent.stop() }
        let lambda = try ScriptedLambda()
        let running = try Running(keysOf(silent.endpoint, lambda))
        await lambda.arrived(2)
        #expect(try Wrapper.isAnswering(running.address()))
        // Some seconds later it will say so.
        #expect(!running.said.contains("are not known yet"))
    }

    @Test(arguments: [
        ["LARDER_CACHE": "credentials:jitter=10%"],
        ["LARDER_CACHE": "*:jitter=10% orders:ttl=none"],
    ])
    func `bounds that make no sense together do not end it`(bounds: [String: String]) async throws {
        let lambda = try ScriptedLambda()
        let running = try Running(
            bounds.merging(["AWS_LAMBDA_RUNTIME_API": lambda.place]) { $1 })
        await lambda.arrived(2)
        #expect(running.isThere && running.said.contains("it is left out"))
    }

    @Test func `what it says is of variables, as there is no command line`() async throws {
        let (lambda, other) = (try ScriptedLambda(), try Upstream(.untilClosed))
        defer { other.stop() }
        let running = try Running([
            "AWS_LAMBDA_RUNTIME_API": lambda.place, "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true",
            "LARDER_GATEWAY": "127.0.0.1:\(other.port)",
        ])
        await lambda.arrived(2)
        #expect(eventually { running.said.contains("there are no AWS keys") })
        #expect(running.said.contains("name another with LARDER_GATEWAY"))
        #expect(!running.said.contains("--") && !running.said.contains("larder exec"))
    }

    @Test func `with nothing to ask it says 503 in the words of the SDKs`() async throws {
        let lambda = try ScriptedLambda()
        let running = try Running([
            "AWS_LAMBDA_RUNTIME_API": lambda.place, "LARDER_ENDPOINT_URL": "nonsense",
            "LARDER_CACHE": "*:ttl=never",
        ])
        await lambda.arrived(2)
        let answer = try ask(running.address()).output
        #expect(answer.hasSuffix(" 503") && answer.contains("#ServiceUnavailable"))
        #expect(answer.contains("nonsense"))
        // So that the wrapper leaves the function to itself.
        #expect(!Wrapper.isAnswering(try running.address()))
        #expect(running.said.contains("LARDER_CACHE:"))
        lambda.say(.shutdown("SPINDOWN"))
        #expect(running.end() == 0)
    }

    @Test func `the wrapper becomes the command, with a cache or without`() throws {
        let program = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "larder-extension").path
        let endpoint = "echo [$AWS_ENDPOINT_URL_DYNAMODB]"
        let without = try run(
            [program, "wrap", "sh", "-c", endpoint],
            environment: ["LARDER_GATEWAY": "127.0.0.1:9", "AWS_ENDPOINT_URL_DYNAMODB": ""])
        #expect(without.output == "[]\n" && without.errors.contains("runs without a cache"))
        let running = try Running([:])
        let address = try running.address()
        let with = try run(
            [program, "wrap", "sh", "-c", endpoint + "; exit 7"],
            environment: ["LARDER_GATEWAY": "\(address)"])
        #expect(with.output == "[http://\(address)]\n" && with.status == 7)
        #expect(try run([program, "wrap", "/no/such"]).status == 127)
    }

    @Test func `a custom runtime in Swift has the engine in it`() async throws {
        let lambda = try ScriptedLambda()
        let program = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "Bootstrap").path
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let process = try spawn(
            [program], environment: ["AWS_LAMBDA_RUNTIME_API": lambda.place], &actions)
        defer {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
        func invoke(_ number: Int) async -> String {
            lambda.say(.invocation("id-\(number)", "\"4711\""))
            // The invoke, its response, and what is asked for next.
            await lambda.arrived(2 * number + 1)
            let response = lambda.requests.last { $0.head.contains("/id-\(number)/response ") }
            return response.map { String(decoding: $0.body, as: UTF8.self) } ?? ""
        }
        #expect(await invoke(1) == "\"account 4711, 1 fetched\"")
        #expect(await invoke(2) == "\"account 4711, 1 fetched\"")
        kill(process, SIGSTOP)
        sleep(4)
        kill(process, SIGCONT)
        #expect(await invoke(3) == "\"account 4711, 2 fetched\"")
    }
}
