import Foundation
import LarderAWS
import LarderInspector
import TestSupport
import Testing

/// What STS takes for AssumeRole, beside botocore's model of it.
@Suite(.timeLimit(.minutes(Fuzz.minutes(1)))) struct LimitTests {
    private static let role = try! IAMRole("arn:aws:iam::222222222222:role/reader")

    private static func wrong(_ change: (inout RoleRequest) -> Void) -> [String] {
        var request = RoleRequest(role)
        change(&request)
        return request.problems.map { "\($0.input.rawValue): \($0.problem)" }
    }

    private static func long(_ count: Int) -> String { String(repeating: "x", count: count) }

    @Test func `what STS takes is taken`() {
        #expect(Self.wrong { _ in } == [])
        #expect(
            Self.wrong {
                $0.sessionName = "a_B-9+=,.@"
                $0.duration = .seconds(43_200)
                $0.externalID = "a:b/c" + Self.long(1219)
                $0.policy = "{\"Version\": \"2012-10-17\",\n\t\"Statement\": []}"
                $0.policyARNs = [
                    "arn:aws:iam::aws:policy/ReadOnlyAccess",
                    "arn:aws-cn:iam::222222222222:policy/path/own",
                ]
                $0.tags = ["Größe 1": "", "team": "data / platform", "x": Verbatim(Self.long(256))]
                $0.transitiveTagKeys = ["team"]
                $0.sourceIdentity = "ann@example.com"
                $0.serialNumber = "arn:aws:iam::222222222222:mfa/ann"
            } == [])
    }

    @Test func `what STS refuses is refused before, and the input named`() {
        let letters = "characters, letters, digits and _+,-.=@, are accepted"
        #expect(
            Self.wrong { $0.sessionName = "a" }
                == ["role-session-name: it has 1 characters; 2 to 64 \(letters)"])
        #expect(
            Self.wrong { $0.sessionName = "ann lee" }
                == [
                    "role-session-name: character 4 is none that it may have; 2 to 64 \(letters)"
                ])
        func refused(_ input: RoleRequest.Input, _ change: (inout RoleRequest) -> Void) {
            let wrong = Self.wrong(change)
            #expect(wrong.count == 1 && wrong[0].hasPrefix("\(input.rawValue): "), "\(wrong)")
        }
        refused(.sessionName) { $0.sessionName = "Jürgen" }
        refused(.sessionName) { $0.sessionName = Self.long(65) }
        refused(.duration) { $0.duration = .seconds(899) }
        refused(.duration) { $0.duration = .seconds(43_201) }
        refused(.duration) { $0.duration = .milliseconds(1_000_500) }
        refused(.duration) { $0.duration = .seconds(Int64.max) }
        refused(.duration) { $0.duration = .seconds(Int64.min) }
        refused(.externalID) { $0.externalID = "" }
        refused(.externalID) { $0.externalID = "a b" }
        refused(.externalID) { $0.externalID = Self.long(1225) }
        refused(.policy) { $0.policy = "" }
        refused(.policy) { $0.policy = "{\"a\": \"\(Self.long(2040))\"}" }
        refused(.policy) { $0.policy = "{\"a\": \"☃\"}" }
        refused(.policy) { $0.policy = "{\"a\"" }
        refused(.policy) { $0.policy = "[]" }
        refused(.policyARN) { $0.policyARNs = ["ReadOnlyAccess"] }
        refused(.policyARN) { $0.policyARNs = ["arn:aws:iam::222222222222:role/reader"] }
        refused(.policyARN) {
            $0.policyARNs = (0...10).map { "arn:aws:iam::aws:policy/number\($0)" }
        }
        refused(.tag) { $0.tags = ["": "x"] }
        refused(.tag) { $0.tags = [Verbatim(Self.long(129)): "x"] }
        refused(.tag) { $0.tags = ["x": Verbatim(Self.long(257))] }
        refused(.tag) { $0.tags = ["a#": "x"] }
        refused(.tag) { $0.tags = ["a": "x;y"] }
        refused(.tag) { $0.tags = ["aws:team": "x"] }
        refused(.tag) { $0.tags = ["Team": "x", "team": "y"] }
        refused(.tag) {
            $0.tags = Dictionary(uniqueKeysWithValues: (0...50).map { (Verbatim("k\($0)"), "") })
        }
        refused(.transitiveTagKey) {
            $0.tags = ["team": "x"]
            $0.transitiveTagKeys = ["teams"]
        }
        refused(.sourceIdentity) { $0.sourceIdentity = "a" }
        refused(.sourceIdentity) { $0.sourceIdentity = "aws:ann" }
        refused(.serialNumber) { $0.serialNumber = "12345678" }
    }

    @Test func `nothing is sent that STS would refuse`() async throws {
        try await with(.cut) { client, upstream in
            let error = try await failure {
                try await client.sts.assumeRole(RoleRequest(Self.role, externalID: "a b"))
            }
            #expect(error.kind == .invalid && error.code == nil)
            #expect(
                error.description.hasPrefix(
                    "AssumeRole of \(Self.role.arn): external-id: character 2 is none"))
            #expect(upstream.requests.isEmpty)
        }
    }

    // MARK: Any request

    private enum Value: Encodable {
        case text(String)
        case number(Int)

        func encode(to encoder: any Encoder) throws {
            switch self {
            case .text(let text): try text.encode(to: encoder)
            case .number(let number): try number.encode(to: encoder)
            }
        }
    }

    private struct Part: Encodable {
        var path: String
        var value: Value

        func encode(to encoder: any Encoder) throws {
            var list = encoder.unkeyedContainer()
            try list.encode(path)
            try list.encode(value)
        }
    }

    /// A text that is mostly good, of a length near one that counts.
    private static func text(_ marks: String, _ lengths: [Int], _ random: inout Seeded) -> String {
        let length = lengths.randomElement(using: &random)!
        let letters = Array("abzAZ09_" + marks)
        var text = (0..<length).map { _ in letters.randomElement(using: &random)! }
        if !text.isEmpty, Int.random(in: 0..<3, using: &random) == 0 {
            let strange = Array("üßé\u{301}☃😀𝐀٣Ⅷ \u{a0}\u{2028}\t\n\r\0#;\"'\\{}[]()<>%&*!?:/=")
            text[Int.random(in: text.indices, using: &random)] =
                strange.randomElement(using: &random)!
        }
        return String(text)
    }

    /// A request, and its parts by the names that the model has for them.
    private static func request(_ random: inout Seeded) -> (RoleRequest, [Part]) {
        var request = RoleRequest(role)
        var parts: [Part] = []
        func part(_ path: String, _ text: String) {
            parts.append(Part(path: path, value: .text(text)))
        }
        request.sessionName = text("+=,.@-", [1, 2, 8, 64, 65], &random)
        part("RoleSessionName", request.sessionName)
        if Bool.random(using: &random) {
            let seconds = [0, 899, 900, 3600, 43_200, 43_201].randomElement(using: &random)!
            request.duration = .seconds(seconds)
            parts.append(Part(path: "DurationSeconds", value: .number(seconds)))
        }
        if Bool.random(using: &random) {
            let id = text("+=,.@:/-", [0, 1, 2, 20, 1224, 1225], &random)
            request.externalID = id
            part("ExternalId", id)
        }
        if Bool.random(using: &random) {
            let identity = text("+=,.@-", [1, 2, 20, 256, 257], &random)
            request.sourceIdentity = identity
            part("SourceIdentity", identity)
        }
        if Bool.random(using: &random) {
            let serial = text("+=/:,.@-", [8, 9, 20, 256, 257], &random)
            request.serialNumber = serial
            part("SerialNumber", serial)
        }
        if Bool.random(using: &random) {
            let key = text(" .:/=+-@ü", [0, 1, 9, 128, 129], &random)
            let value = text(" .:/=+-@ü", [0, 1, 9, 256, 257], &random)
            request.tags = [Verbatim(key): Verbatim(value)]
            part("Tags.Key", key)
            part("Tags.Value", value)
        }
        return (request, parts)
    }

    @Test func `5,000 requests are taken or refused as botocore's model of STS says`() throws {
        var random = Fuzz.random("role options", usually: 18)
        let requests = (0..<Fuzz.count(usually: 5000)).map { _ in Self.request(&random) }
        let input = String(
            decoding: try JSONEncoder().encode(requests.map(\.1)), as: UTF8.self)
        let script = packageRoot.appending(path: "Tests/Peers/botocore_roles.py").path
        let ran = try run([python(), script], input: input)
        try #require(ran.status == 0, "\(ran.errors)")
        let theirs = try JSONDecoder().decode([Bool].self, from: Data(ran.output.utf8))
        for ((request, parts), taken) in zip(requests, theirs) {
            #expect(request.problems.isEmpty == taken, "\(parts) \(request.problems)")
        }
        #expect(theirs.contains(true) && theirs.contains(false))
    }
}
