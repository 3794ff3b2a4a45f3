import Foundation

/// What a hit costs a program that asks the gateway, beside what it costs without one.
extension Figure {
    static let gateways: [Figure] = [
        requests(connections: 1), requests(connections: 32),
        Figure(
            id: "gateway.p99", unit: "ms",
            about: "the 99th of 100 cached GetItems over 32 connections, 2,000 a second", rounds: 5
        ) { _ in
            try both { running, port in
                try Connections(port: port, count: 32, request: running.request(to: port))
                    .latency(at: 2000, for: 3)
            }
        },
        Figure(
            id: "gateway.boto3", unit: "us",
            about: "boto3's get_item, a hit of the gateway; of cachetools around the same call",
            rounds: 5
        ) { bench in
            let running = try RunningGateway()
            let python = try bench.boto3(running.environment)
            let ours = "boto3 http://127.0.0.1:\(running.gateway)"
            return [
                .ours { try python.sample(ours) },
                Contestant("route") {
                    try withExtendedLifetime(running) {
                        try python.sample("boto3 http://127.0.0.1:\(running.route)")
                    }
                },
                Contestant("cachetools") {
                    try python.sample("cachetools http://127.0.0.1:\(running.gateway)")
                },
            ]
        },
        Figure(
            id: "gateway.credential", unit: "ms",
            about: "larder credential-process, from its start to its end, of an engine's session"
        ) { _ in
            let running = try RunningGateway(isDemo: true)
            let larder = RunningEngine.program("larder").path
            let role = "arn:aws:iam::100000000003:role/reader"
            let command = [larder, "credential-process", "--role", role]
            return [
                .ours { try wholeTime(of: command, running.environment) },
                Contestant("atleast") { try wholeTime(of: ["true"], running.environment) },
            ]
        },
    ]

    private static func requests(connections: Int) -> Figure {
        Figure(
            id: "gateway.get.\(connections)", unit: "/s",
            about: "cached GetItems, signatures checked, over \(connections) connections; a bare "
                + "route that answers the same bytes"
        ) { _ in
            try both { running, port in
                try Connections(
                    port: port, count: connections, request: running.request(to: port)
                ).rate(for: 2)
            }
        }
    }

    private static func both(
        _ measure: @escaping (RunningGateway, UInt16) throws -> Double
    ) throws -> [Contestant] {
        let running = try RunningGateway()
        // The one fetch of the item.
        _ = try measure(running, running.gateway)
        return [
            .ours { try measure(running, running.gateway) },
            Contestant("route") { try measure(running, running.route) },
        ]
    }

    /// Milliseconds from a program's start until it has ended well.
    private static func wholeTime(
        of command: [String], _ environment: [String: String]
    ) throws -> Double {
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for output: Int32 in [1, 2] {
            posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY, 0)
        }
        let arguments = command.map { strdup($0) } + [nil]
        let lines = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (arguments + lines).forEach { free($0) } }
        var (pid, state): (pid_t, Int32) = (0, 0)
        let began = nanoseconds()
        guard posix_spawnp(&pid, command[0], &actions, nil, arguments, lines) == 0 else {
            throw LeftOut("\(command[0]) is not there")
        }
        while waitpid(pid, &state, 0) == -1, errno == EINTR {}
        let took = Double(nanoseconds() - began) / 1e6
        guard state == 0 else { throw LeftOut("\(command.joined(separator: " ")) failed") }
        return took
    }
}

extension Bench {
    /// The Python of the tests, with boto3, as a peer that is told a way of asking a line.
    func boto3(_ environment: [String: String]) throws -> Peer {
        guard let root else {
            throw LeftOut("no Tests/Peers here or above; run it within the package")
        }
        let python = root.appending(path: ".venv/bin/python").path
        guard (try? printed(by: [python, "-c", "import boto3, cachetools"])) != nil else {
            throw LeftOut("no .venv with boto3 and cachetools; .ci/setup --tests makes one")
        }
        let variables = environment.map { "\($0.key)=\($0.value)" }
        let script = root.appending(path: "Tests/Peers/boto3_peer.py").path
        return try Peer("boto3", variables + [python, script])
    }
}
