import Larder
import LarderInspector
import TestSupport
import Testing

@testable import LarderRemote
@testable import LarderSocket
@testable import LarderWire

@Suite(.timeLimit(.minutes(1))) struct `What-ifs over the socket` {
    private func use(_ engine: Engine) {
        for number in 0..<2000 {
            let key = "key \(number * number % 97)"
            if engine.accounts.cached(key) == nil { engine.accounts.insert("a", for: key) }
        }
    }

    @Test func `are what they are in process`() async throws {
        try await Engine.run { engine in
            use(engine)
            let there = try await engine.remote.whatIf(WhatIfQuery("accounts"))
            let here = try await engine.inspector.whatIf(WhatIfQuery("accounts"))
            #expect(there.points.map(\.bounds) == here.points.map(\.bounds))
            #expect(there.points.map(\.hitRatio) == here.points.map(\.hitRatio))
            #expect(there.policies.map(\.hitRatio) == here.policies.map(\.hitRatio))
            #expect(there.basis.recorded == 2000 && there.basis.isWhole)
            let bounds = CacheConfiguration(
                maxsize: 8, maxbytes: nil, ttl: .milliseconds(2500), policy: .sieve)
            let query = WhatIfQuery("accounts", bounds, window: .seconds(60))
            let point = try await engine.remote.whatIf(query)
            #expect(point.points.map(\.bounds) == [bounds])
            #expect(
                try await engine.inspector.whatIf(query).points[0].hitRatio
                    == point.points[0].hitRatio)
        }
    }

    @Test func `are asked for by curl, a point or all, and refused in words`() async throws {
        try await Engine.run { engine in
            use(engine)
            let address = "http://larder/v1/caches/accounts/whatif"
            let answer = try engine.curl(address + "?maxsize=8&ttl=5m&policy=fifo")
            #expect(answer.status == 200)
            #expect(answer.body.contains("\"hitRatioError\":"))
            #expect(answer.body.contains("\"ttl\":300"))
            for wrong in ["maxsize=0", "ttl=soon", "policy=best", "window=0", "window=3601"] {
                #expect(try engine.curl(address + "?\(wrong)").status == 400, "\(wrong)")
            }
            let nobody = "http://larder/v1/caches/nobody/whatif"
            #expect(try engine.curl(nobody).status == 404)
            #expect(try engine.curl(nobody + "?maxsize=8").status == 404)
        }
    }
}
