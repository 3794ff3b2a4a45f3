import Foundation
import Larder
import LarderAWS
import LarderInspector
import LarderTesting
import TestSupport
import Testing

/// Roles' sessions in a cache, as the engine of the commands keeps them.
@Suite(.timeLimit(.minutes(1))) struct RoleCacheTests {
    private static let caller = RoleRequest.Caller(identity: "AKIACANARYCANARY1234")

    private static func role(_ number: Int = 0) -> RoleRequest {
        RoleRequest(
            try! IAMRole("arn:aws:iam::222222222222:role/reader\(number)"), caller: caller)
    }

    private static func session(_ number: Int = 0, life: TimeInterval = 3600) -> Upstream.Step {
        let end = Date(timeIntervalSinceNow: life).formatted(.iso8601)
        return reply(
            "200 OK", [],
            STSTests.document(expiration: end).replacing("00001234", with: "0000000\(number)"))
    }

    private func with<Result>(
        _ script: @escaping @Sendable (Int) -> [Upstream.Step], clock: AgeClock = .system,
        _ body: (Cache<RoleRequest, Credentials>, Upstream) async throws -> Result
    ) async throws -> Result {
        let upstream = try Upstream(script)
        defer { upstream.stop() }
        return try await withClient(upstream.endpoint, clock: clock, credentials: canaries) {
            client in
            let cache = Cache<RoleRequest, Credentials>(
                "credentials", maxsize: 64, ttl: nil, refresh: .credentials, clock: clock
            ) { try await client.sts.assumeRole($0) }
            return try await body(cache, upstream)
        }
    }

    @Test func `200 cold callers of a role are one AssumeRole, though the first gives up`()
        async throws
    {
        let gate = Upstream.Gate()
        try await with({ _ in [.wait(gate), Self.session()] }) { cache, upstream in
            let first = Task { try await cache.value(for: Self.role()) }
            await upstream.arrived(1)
            let others = (1..<200).map { _ in
                Task { try await cache.value(for: Self.role()).accessKeyID }
            }
            #expect(await settles { cache.snapshot().counters.lookups == 200 })
            first.cancel()
            await #expect(throws: CancellationError.self) { try await first.value }
            gate.open()
            for other in others {
                let id = try await other.value
                #expect(id == "ASIAEXAMPLE00000000")
            }
            #expect(upstream.requests.count == 1)
        }
    }

    @Test func `50 roles are 50 sessions, at once`() async throws {
        try await with({ _ in [Self.session()] }) { cache, upstream in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<500 {
                    group.addTask { _ = try await cache.value(for: Self.role(number % 50)) }
                }
                try await group.waitForAll()
            }
            #expect(upstream.requests.count == 50)
            #expect(cache.snapshot().count == 50)
        }
    }

    @Test func `a refusal is not asked for again at once`() async throws {
        let denied = """
            <ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
            <Message>no</Message></Error></ErrorResponse>
            """
        try await with({ _ in [reply("403 Forbidden", [], denied)] }) { cache, upstream in
            for _ in 0..<50 {
                let error = try await failure { try await cache.value(for: Self.role()) }
                #expect(error.kind == .denied)
            }
            #expect(upstream.requests.count == 1)
            #expect(cache.troubles().map(\.trouble.kind) == [.refused])
        }
    }

    @Test func `while STS fails what is valid is served, and STS asked once in minutes`()
        async throws
    {
        let clock = TestClock()
        try await with(
            { number in
                number == 0 ? [Self.session(life: 100)] : [reply("500 Oh", [], "")]
            }, clock: clock.neverWaking
        ) { cache, upstream in
            let first = try await cache.value(for: Self.role())
            clock.advance(by: .seconds(60))
            for _ in 0..<200 {
                let again = try await cache.value(for: Self.role())
                #expect(again.accessKeyID == first.accessKeyID)
            }
            // Half of its life is over; the one refresh failed.
            #expect(upstream.requests.count == 2)
        }
    }

    @Test func `an invalidated session is dropped at once, and never comes back`() async throws {
        try await with({ _ in [Self.session()] }) { cache, _ in
            weak var secret: Secret?
            do {
                let session = try await cache.value(for: Self.role())
                secret = session.secretAccessKey
            }
            #expect(secret != nil)
            let inspector = LocalInspector("pantry")
            inspector.add(cache, key: \.shownKey)
            let row = try #require(try await inspector.entries(EntryQuery()).rows.first)
            let plan = try await inspector.plan(
                .invalidate([SeenEntry(id: row.id, version: row.version)]))
            #expect(try await inspector.apply(plan.id, by: Operator("ann")).removed == 1)
            #expect(await settles { secret == nil })
            #expect(try await inspector.undo(plan.id, by: Operator("ann")).restored == 0)
            #expect(cache.snapshot().count == 0)
        }
    }

    @Test func `what is shown of a failure and a session holds no secret`() async throws {
        try await with({ number in
            number == 0 ? [Self.session()] : [reply("400 No", [], "canary-nothing")]
        }) { cache, _ in
            let inspector = LocalInspector("pantry")
            inspector.add(cache, key: \.shownKey)
            _ = try await cache.value(for: Self.role())
            _ = try? await cache.value(for: Self.role(1))
            var seen = "\(try await inspector.entries(EntryQuery()))"
            for row in try await inspector.entries(EntryQuery()).rows {
                seen += "\(String(describing: try await inspector.entry(row.id)))"
            }
            seen += "\(try await inspector.events(in: "credentials", after: 0, limit: .max))"
            seen += "\(try await inspector.report())"
            #expect(seen.contains("222222222222/reader0"))
            for secret in ["s/e+c&r<t", "token==", "canary-secret", "canary-session"] {
                #expect(!seen.contains(secret))
            }
        }
    }
}
