import Foundation
import TestSupport
import Testing

/// Connections that want to be all there are.
@Suite(.timeLimit(.minutes(2))) struct `Connections without end` {
    private func dripping(
        _ engine: Besieged, _ count: Int, port: UInt16? = nil
    ) throws -> [RawPeer] {
        try (0..<count).map { _ in
            let peer = try port.map(RawPeer.init(port:)) ?? RawPeer(engine.socket)
            peer.send("GET /v1/caches HTTP/1.1\r\nHost: larder\r\nX-Drip: ")
            return peer
        }
    }

    @Test func `of heads that never end keep nobody out`() throws {
        let engine = try Besieged("--warm 5")
        let peers = try dripping(engine, 900)
        for _ in 0..<3 {
            for peer in peers { peer.send("a") }
            let ran = try engine.larder("caches")
            #expect(ran.status == 0, "\(ran.errors)")
        }
        withExtendedLifetime(peers) {}
    }

    /// Streams that are followed, or heads that drip for ever.
    @Test(
        .enabled(if: geteuid() == 0, "only root can be another user"),
        arguments: ["Accept: text/event-stream\\r\\n\\r\\n", "X-Drip: "])
    func `of another user keep the owner in, and leave room for third ones`(
        ending: String
    ) throws {
        let engine = try Besieged("--warm 5 --allow-gid 12345")
        chmod(engine.folder.path, 0o711)
        let attack = """
            import resource, select, socket, sys
            resource.setrlimit(resource.RLIMIT_NOFILE, (2000, 2000))
            peers = []
            for _ in range(900):
                peer = socket.socket(socket.AF_UNIX)
                peer.connect(sys.argv[1])
                try:
                    peer.send(b"GET /v1/changes HTTP/1.1\\r\\nHost: a\\r\\n\(ending)")
                except OSError:
                    pass
                peers.append(peer)
            print("there", flush=True)
            while not select.select([sys.stdin], [], [], 0.1)[0]:
                for peer in peers:
                    try:
                        peer.send(b"\(ending.hasPrefix("X") ? "a" : "")")
                    except OSError:
                        pass
            """
        func asUser(_ uid: Int) -> String {
            "setpriv --reuid=\(uid) --regid=12345 --clear-groups env PATH=/usr/bin:/bin"
        }
        let file = engine.folder.path + "/attack.py"
        try attack.write(toFile: file, atomically: true, encoding: .utf8)
        chmod(file, 0o644)
        let ran = try engine.shell(
            """
            mkfifo \(engine.folder.path)/go; exec 3<>\(engine.folder.path)/go
            \(asUser(65533)) python3 \(file) \(engine.socket) <&3 >\(engine.folder.path)/there &
            attacker=$!
            timeout 30 sh -c 'until grep there \(engine.folder.path)/there; do sleep 0.1; done'
            $larder caches >/dev/null && echo owner
            \(asUser(65532)) curl -s -o /dev/null -w '%{http_code} third\\n' \\
                --unix-socket \(engine.socket) http://larder/v1/caches
            kill $attacker
            """)
        #expect(ran.output == "there\nowner\n200 third\n", "\(ran)")
    }

    @Test(arguments: [16, 20, 24, 28])
    func `need descriptors, and a process with too few says so`(limit: Int) throws {
        let engine = try Besieged(shell: "ulimit -n \(limit);", listening: false)
        #expect(try engine.end() == 1)
        let isSaid = ["raise the limit", "more descriptors"].contains { engine.errors.contains($0) }
        #expect(isSaid, "\(engine.errors)")
        let command = try engine.shell("ulimit -n \(limit); exec $larder caches --target x")
        #expect([1, 64, 69].contains(command.status), "\(command)")
    }

    @Test func `are as many as there are descriptors for`() throws {
        let engine = try Besieged("--warm 5", shell: "ulimit -n 64;")
        let peers = try dripping(engine, 200)
        let before = engine.processorTime
        for _ in 0..<3 { #expect(try engine.larder("caches").status == 0) }
        #expect(engine.processorTime - before < 1.5)
        #expect(engine.runs, "\(engine.errors)")
        withExtendedLifetime(peers) {}
    }

    @Test(arguments: [false, true])
    func `wait where there are no descriptors at all, at no cost, and go on`(
        atGateway: Bool
    ) throws {
        let engine = try Besieged("--warm 5 \(atGateway ? "--gateway 127.0.0.1:0" : "")")
        func port() -> UInt16? {
            engine.errors.firstMatch(of: /127\.0\.0\.1:([1-9][0-9]+)/).flatMap { UInt16($0.1) }
        }
        #expect(!atGateway || eventually { port() != nil })
        let open = try FileManager.default.contentsOfDirectory(
            atPath: "/proc/\(engine.pid)/fd"
        ).count
        let hard = try engine.shell("prlimit --pid \(engine.pid) --nofile -o HARD --noheadings")
        let most = hard.output.trimmingCharacters(in: .whitespacesAndNewlines)
        func limit(_ soft: String) throws {
            let ran = try engine.shell("prlimit --pid \(engine.pid) --nofile=\(soft):\(most)")
            #expect(ran.status == 0, "\(ran)")
        }
        try limit("\(open)")
        let peers = try dripping(engine, 20, port: port())
        let sentence = "nobody can be let in for want of files"
        #expect(eventually { engine.errors.contains(sentence) })
        let before = engine.processorTime
        #expect(!eventually(within: .seconds(2)) { !engine.runs })
        #expect(engine.processorTime - before < 0.5, "\(engine.processorTime - before)")
        try limit(most)
        #expect(try engine.larder("caches").status == 0)
        #expect(engine.errors.ranges(of: sentence).count == 1, "\(engine.errors)")
        #expect(eventually { engine.errors.contains("connections are let in again") })
        withExtendedLifetime(peers) {}
    }

    @Test func `that ask for what is costly are answered after those that do not`() throws {
        let engine = try Besieged("--warm 2000 --cache accounts:maxsize=5000 --accounts 5000")
        let filters = ["key~(%5Cd%2B)%2Bx", "key~(%5Cd%7C%5Cd%5Cd)*x or hits>99999", ""]
        let slow = try (0..<120).map { number in
            let peer = try RawPeer(engine.socket)
            let filter = filters[number % 3].replacing(" ", with: "+")
            peer.send(
                "GET /v1/entries?limit=10000&filter=\(filter) HTTP/1.1\r\nHost: larder\r\n\r\n")
            return peer
        }
        for path in ["/v1/look?limit=60", "/healthz", "/v1/snapshot"] {
            let quick = try RawPeer(engine.socket)
            quick.send("GET \(path) HTTP/1.1\r\nHost: larder\r\n\r\n")
            #expect(quick.line(within: .seconds(20)) == "HTTP/1.1 200 OK")
        }
        // A request of another process that is costly as well comes before most of them.
        let ran = try engine.larder("entries", "accounts", "--filter", "key~1$", "--limit", "3")
        #expect(ran.status == 0, "\(ran)")
        let answered = slow.count { !$0.line(within: .milliseconds(1)).isEmpty }
        #expect(answered < 100, "\(answered)")
    }
}
