import Foundation
import LarderAWS
import LarderInspector

/// Programs of this build that listen, each in a process of its own: a bare route, and a gateway whose
/// service that route is.
final class RunningGateway {
    private(set) var route: UInt16 = 0
    private(set) var gateway: UInt16 = 0
    /// Where engines are looked for.
    let folder: URL
    private var processes: [Process] = []

    static let keys = Credentials(
        accessKeyID: "AKIAEXAMPLEEXAMPLE01", secretAccessKey: Secret("bench"))
    static let region = "us-east-1"

    /// - Parameter isDemo: Whether it serves the demo instead.
    init(isDemo: Bool = false) throws {
        folder = FileManager.default.temporaryDirectory.appending(
            path: "larder-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let file = folder.appending(path: "port").path
        try start("larder-bench", ["route", file])
        route = try wait("the route") {
            (try? String(contentsOfFile: file, encoding: .utf8)).flatMap { UInt16($0) }
        }
        let log = folder.appending(path: "log").path
        let service =
            isDemo
            ? ["--latency", "1ms"]
            : ["--endpoint-url", "http://127.0.0.1:\(route)", "--region", Self.region]
        try start(
            "larder", ["serve", "--name", "bench", "--gateway", "127.0.0.1:0"] + service, log: log)
        gateway = try wait("the gateway") {
            let text = try? String(contentsOfFile: log, encoding: .utf8)
            // The socket comes after the gateway.
            guard let text, text.contains("bench.sock") else { return nil }
            return text.firstMatch(of: /address=127\.0\.0\.1:([0-9]+)/).flatMap { UInt16($0.1) }
        }
    }

    deinit {
        for process in processes {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        try? FileManager.default.removeItem(at: folder)
    }

    /// What an engine and whoever asks it are to know of this machine: nothing but this.
    var environment: [String: String] {
        [
            "XDG_RUNTIME_DIR": folder.path, "LARDER_STORE": folder.path + "/accounts.sqlite",
            "AWS_ACCESS_KEY_ID": Self.keys.accessKeyID, "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_REGION": Self.region, "AWS_DEFAULT_REGION": Self.region,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "*",
        ]
    }

    private func start(_ program: String, _ arguments: [String], log: String? = nil) throws {
        let path = RunningEngine.program(program)
        guard FileManager.default.isExecutableFile(atPath: path.path) else {
            throw LeftOut("no \(program) beside larder-bench; swift build --product \(program)")
        }
        let process = Process()
        process.executableURL = path
        process.arguments = arguments
        let inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("AWS_") }
        process.environment = inherited.merging(environment) { $1 }
        if let log {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
            let handle = FileHandle(forWritingAtPath: log)
            process.standardError = handle
            process.standardOutput = handle
        }
        try process.run()
        processes.append(process)
    }

    private func wait<Found>(_ what: String, _ look: () -> Found?) throws -> Found {
        let end = ContinuousClock.now + .seconds(30)
        while true {
            if let found = look() { return found }
            guard ContinuousClock.now < end, processes.last?.isRunning ?? false else {
                let log = try? String(
                    contentsOf: folder.appending(path: "log"), encoding: .utf8)
                throw LeftOut("\(what) did not start: \(log ?? "")")
            }
            usleep(50_000)
        }
    }

    /// A `GetItem` of one account as an SDK sends it to that port, signed. It is good for five minutes.
    func request(to port: UInt16) -> [UInt8] {
        let body = #"{"TableName": "accounts", "Key": {"account_number": {"S": "100000000005"}}}"#
        let headers = [
            (name: "Host", value: "127.0.0.1:\(port)"),
            ("X-Amz-Target", "DynamoDB_20120810.GetItem"),
            ("Content-Type", "application/x-amz-json-1.0"),
        ]
        let proof = Signature(region: Self.region, service: "dynamodb").headers(
            for: SignedRequest(headers: headers, body: Array(body.utf8)), Self.keys, at: Date())
        let others = [
            (name: "Accept-Encoding", value: "identity"),
            ("User-Agent", "Boto3/1.44.8 md/Botocore#1.44.8 lang/python#3.11.7 Botocore/1.44.8"),
            ("amz-sdk-invocation-id", "6b9a3e1c-1f6e-4d5e-9a35-0d6cb4d0f1aa"),
            ("amz-sdk-request", "attempt=1"), ("Content-Length", "\(body.utf8.count)"),
        ]
        let head = (headers + proof + others).map { "\($0.name): \($0.value)\r\n" }.joined()
        return Array("POST / HTTP/1.1\r\n\(head)\r\n\(body)".utf8)
    }
}
