import Foundation
import Larder
import LarderInspector
import Synchronization
import TestSupport
import Testing

@testable import LarderAWS

@Suite struct KeyTests {
    @Test(arguments: [
        ("1", "1"), ("1.0", "1"), ("01", "1"), ("1e0", "1"), ("+1", "1"), ("10e-1", "1"),
        ("0", "0"), ("-0", "0"), ("0.000", "0"), ("0e9", "0"), (".5", "0.5"), ("5.", "5"),
        ("1.50", "1.5"), ("-12.5e1", "-125"), ("1e3", "1000"), ("0.001", "0.001"),
        ("1e-5", "0.00001"), ("12e60", "1.2e61"), ("1e-130", "1e-130"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
    ])
    func `a number has one way to be written`(text: String, canonical: String) {
        #expect(AttributeValue.canonicalNumber(text) == canonical)
        #expect(AttributeValue.canonicalNumber(canonical) == canonical)
    }

    @Test(arguments: ["", "-", ".", "e5", "1e", "0x1", "1 ", "NaN", "1.2.3", "１"])
    func `what is no number has none`(text: String) {
        #expect(AttributeValue.canonicalNumber(text) == nil)
    }

    /// Against Foundation's decimals: equal numbers have one form, others have others.
    @Test func `numbers are one key when they are equal, and only then`() {
        var random = Seeded(5)
        var forms: [Decimal: String] = [:]
        for _ in 0..<5000 {
            let digits = Int.random(in: -400...400, using: &random)
            let shift = Int.random(in: -3...3, using: &random)
            let zeros = String(repeating: "0", count: Int.random(in: 0...2, using: &random))
            let text = "\(digits).\(zeros)e\(shift)"
            let value = Decimal(string: text)!
            let form = AttributeValue.canonicalNumber(text)!
            #expect(Decimal(string: form) == value)
            #expect(forms[value, default: form] == form)
            forms[value] = form
        }
        #expect(Set(forms.values).count == forms.count)
    }

    @Test func `a projection has placeholders, one for each name`() throws {
        let reading = DynamoDB.Reading(attributes: ["name", "owner.name", "tags[0]", "a.tags[1].b"])
        let projection = try #require(reading.projection)
        #expect(projection.expression == "#n0, #n1.#n0, #n2[0], #n3.#n2[1].#n4")
        #expect(
            projection.names == [
                "#n0": "name", "#n1": "owner", "#n2": "tags", "#n3": "a", "#n4": "b",
            ])
    }

    // MARK: Roles

    private func request(using random: inout Seeded) -> RoleRequest {
        func pick<Value>(_ values: Value...) -> Value { values.randomElement(using: &random)! }
        let roles = ["reader", "writer"].map {
            try! IAMRole("arn:aws:iam::222222222222:role/\($0)")
        }
        return RoleRequest(
            roles.randomElement(using: &random)!, sessionName: pick("larder", "other"),
            duration: pick(nil, .seconds(900), .seconds(3600)),
            externalID: pick(nil, "", "a", "larder"), policy: pick(nil, "{}", "a"),
            policyARNs: pick([], ["a"], ["a", "b"], ["ab"], ["b", "a"]),
            tags: pick([:], ["a": "b"], ["a": ""], ["ab": ""], ["a": "b", "c": "d"]),
            transitiveTagKeys: pick([], ["a"], ["a", "c"]), sourceIdentity: pick(nil, "a"),
            serialNumber: pick(nil, "a"),
            caller: .init(
                identity: pick("AKIA1", "AKIA2"), region: pick("us-east-1", "eu-west-1"),
                endpoint: pick(nil, "http://127.0.0.1:1"), isSession: pick(false, true)))
    }

    /// What one request would send, and as whom: nothing that differs may be one entry.
    private func sent(_ request: RoleRequest) -> [String] {
        request.form.map { "\($0.name)=\($0.value)" } + [
            request.caller.identity, request.caller.region, request.caller.endpoint ?? "none",
        ]
    }

    @Test func `no two requests that differ share an entry or a row`() {
        var random = Seeded(11)
        let requests = (0..<4000).map { _ in request(using: &random) }
        var entries: [[String]: Set<RoleRequest>] = [:]
        for request in requests { entries[sent(request), default: []].insert(request) }
        #expect(entries.count > 1000)
        // Within one caller, rows look alike only where the requests are the same.
        var rows: [String: RoleRequest] = [:]
        for var request in requests {
            let isSession = request.caller.isSession
            request.caller = .init(identity: "AKIA1", region: "us-east-1", isSession: isSession)
            let before = rows.updateValue(request, forKey: request.shownKey) ?? request
            #expect(before == request, "\(before) and \(request) look alike")
        }
        // Equal requests are one entry.
        let cache = Cache<RoleRequest, Int>("roles", maxsize: nil, ttl: nil) { _ in 0 }
        for (number, request) in requests.enumerated() { cache.insert(number, for: request) }
        #expect(cache.snapshot().count == Set(requests).count)
    }

    @Test func `a session of a session is an hour at most`() throws {
        let role = try IAMRole("arn:aws:iam::222222222222:role/reader")
        func duration(_ isSession: Bool) -> String? {
            RoleRequest(role, duration: .seconds(43_200), caller: .init(isSession: isSession)).form
                .first { $0.name == "DurationSeconds" }?.value
        }
        #expect(duration(false) == "43200")
        #expect(duration(true) == "3600")
    }

    @Test func `that it is cut is said once, and only a role's session is cut`() async throws {
        let chained = """
            <ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>The \
            requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role \
            chaining</Message></Error></ErrorResponse>
            """
        let good = reply(
            "200 OK", [],
            STSTests.document(
                expiration: Date(timeIntervalSinceNow: 3600).formatted(.iso8601)))
        // Of keys with a token only STS knows whether they are a role's.
        for (isSession, isChained, asked) in [
            (false, false, ["43200"]), (true, true, ["3600"]), (false, true, ["43200", "3600"]),
        ] {
            let box = Guarded<Upstream?>(nil)
            let upstream = try Upstream { number in
                let body = box.withLock { $0 }?.requests[number].body ?? []
                let isLong = String(decoding: body, as: UTF8.self).contains("Seconds=43200")
                return [isChained && isLong ? reply("400 Bad", [], chained) : good]
            }
            box.withLock { $0 = upstream }
            defer { upstream.stop() }
            let said = Guarded<[String]>([])
            let client = try AWSClient(
                region: "us-east-1", endpointURL: upstream.endpoint, deadline: .seconds(10),
                retries: Retries(most: 1),
                notices: Notices { sentence in said.withLock { $0.append(sentence) } },
                clock: .system
            ) { canaries }
            let request = RoleRequest(
                try IAMRole("arn:aws:iam::222222222222:role/reader"), duration: .seconds(43_200),
                caller: .init(isSession: isSession))
            for _ in 0..<2 { _ = try await client.sts.assumeRole(request) }
            await client.shutdown()
            let seconds = upstream.requests.map {
                String(decoding: $0.body, as: UTF8.self).split(separator: "&")
                    .first { $0.hasPrefix("DurationSeconds=") }.map { String($0.dropFirst(16)) }
            }
            #expect(seconds == asked + asked)
            let notice =
                "AssumeRole of arn:aws:iam::222222222222:role/reader: a role that another role's "
                + "session assumes lives an hour at most; 3600 seconds are asked for instead of 43200"
            #expect(said.withLock { $0 } == (isChained ? [notice] : []))
        }
    }

    // MARK: Refresh

    @Test(arguments: [
        (4, 0), (10, 0), (20, 10), (300, 150), (600, 300), (601, 300), (900, 300), (1200, 300),
        (1201, 900), (2400, 900), (2401, 1200), (3600, 1200),
    ])
    func `whoever wants a quarter of an hour gets it where the life allows`(
        life: Int, window: Int
    ) {
        #expect(Refresh.credentials.window(.seconds(life)) == .seconds(window))
    }
}
