import Foundation
import TestSupport
import Testing

/// The program that gives an engine its credentials: what it has of the engine, and who hears it.
@Suite(.timeLimit(.minutes(2))) struct `A program that gives credentials` {
    @Test(arguments: ["text", "json"])
    func `has no descriptor of the engine's, and what it says is told and not logged`(
        format: String
    ) throws {
        let folder = try TemporaryFolder()
        chmod(folder.path, 0o700)
        let program = folder.path + "/program"
        // The engine starts with it, and then it fails.
        try """
        #!/bin/sh
        list=$(for d in /proc/$$/fd/*; do echo "${d##*/} $(readlink $d)"; done)
        echo "$list" >'\(folder.path)/open'
        echo 'canary: the vault is shut' >&2
        [ -e '\(folder.path)/fail' ] && exit 3
        echo '{"Version":1,"AccessKeyId":"AKIAPROGRAM","SecretAccessKey":"x","SessionToken":"x",'
        echo '"Expiration":"\(Date(timeIntervalSinceNow: 3).formatted(.iso8601))"}'
        """.write(toFile: program, atomically: false, encoding: .utf8)
        chmod(program, 0o700)
        try "[default]\nregion = us-east-1\ncredential_process = \(program)\n".write(
            toFile: folder.path + "/config", atomically: false, encoding: .utf8)
        let engine = try Spawned(
            "serve --table accounts --name demo --warm 1 --endpoint-url http://127.0.0.1:9 "
                + "--log-format \(format) --audit \(folder.path)/audit", in: folder,
            [.path("/dev/null"), .path("/dev/null"), .path(folder.path + "/err")],
            environment: [
                "AWS_CONFIG_FILE": folder.path + "/config",
                "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
            ])
        var log: String {
            (try? String(contentsOfFile: folder.path + "/err", encoding: .utf8)) ?? ""
        }
        #expect(
            eventually { (try? RawPeer(folder.path + "/larder/demo.sock")) != nil }, "\(log)")
        try "".write(toFile: folder.path + "/fail", atomically: false, encoding: .utf8)
        func larder(_ words: String...) throws -> Ran {
            try run([TestSupport.larder] + words, environment: Spawned.environment(folder))
        }
        var ran: Ran?
        #expect(
            try eventually {
                // Until the first keys have ended.
                ran = try larder("fetch", "account", "1", "--target", "demo")
                return ran?.errors.contains("canary: the vault is shut") == true
            }, "\(ran?.errors ?? "")")
        #expect(ran?.status == 1)
        #expect(try larder("events").output.contains("canary"))
        let open = try String(contentsOfFile: folder.path + "/open", encoding: .utf8)
        for expected in ["0 /dev/null", "1 /memfd:output", "2 /memfd:errors"] {
            #expect(open.contains(expected), "\(open)")
        }
        // The shell keeps its script and a pipe of its own, and nothing of anybody's.
        #expect(open.split(separator: "\n").count <= 5, "\(open)")
        #expect(!open.contains("socket:") && !open.contains("anon_inode"), "\(open)")
        #expect(!open.contains("sqlite") && !open.contains("audit"), "\(open)")
        engine.signal(SIGHUP)
        #expect(eventually { log.contains("settings") }, "\(log)")
        engine.signal(SIGTERM)
        #expect(try engine.end() == "exit 0")
        #expect(!log.contains("canary"), "\(log)")
    }
}
