import Foundation
import Larder
import Synchronization
import Testing

@testable import Larder

/// How far structures are driven: `LARDER_OPERATIONS=200x50000` for 200 seeds of 50,000 operations.
let drive = Drive("LARDER_OPERATIONS", usually: "20x2000")

struct Drive {
    let seeds: UInt64
    let operations: Int

    init(_ variable: String, usually usual: String) {
        let text = ProcessInfo.processInfo.environment[variable] ?? usual
        let parts = text.split(separator: "x").compactMap { Int($0) }
        precondition(parts.count == 2 && parts[0] > 0, "\(variable) is SEEDSxOPERATIONS")
        (seeds, operations) = (UInt64(parts[0]), parts[1])
    }
}

/// The whole engine beside the naive ``Model``: one random operation after the other on both, on a
/// clock that is turned by hand, and everything that can be seen compared after each.
///
/// Every policy is driven with every seed; what else differs between caches (how many shards, how
/// entries are refreshed, how many keys) follows from the seed. A million operations a policy are
///
///     LARDER_PART=core LARDER_OPERATIONS=100x10000 swift test --filter ModelTests
///
/// which takes about eight minutes a policy, and an hour for all, on one core.
///
/// Where the two differ, the seed and the operation are told, and what was done before: the same
/// seed does the same again. `LARDER_SEED=7` begins with that one, and `LARDER_POLICY=s3fifo`
/// leaves out the others; `LARDER_TELL=1` prints where it is, for an engine that stops the program.
@Suite struct ModelTests {
    /// Less than the parts are driven by: here everything is compared after every operation.
    private static let slice = Drive("LARDER_OPERATIONS", usually: "6x800")

    private static let environment = ProcessInfo.processInfo.environment
    private static let first = environment["LARDER_SEED"].flatMap(UInt64.init) ?? 1
    private static let tells = environment["LARDER_TELL"] != nil
    private static let policies =
        environment["LARDER_POLICY"].map { [Policy($0)!] } ?? ModelRig.policies

    @Test(arguments: policies, first..<first + slice.seeds)
    func `the cache does as the naive model under random operations`(
        policy: Policy, seed: UInt64
    ) async throws {
        let rig = ModelRig(policy, seed)
        var number = 0
        do {
            while number < Self.slice.operations {
                number += 1
                if Self.tells {
                    let last = rig.log.last ?? "-"
                    print("\(policy), seed \(seed), operation \(number), after \(last)")
                }
                try await rig.step()
                // To look settles what a cache has put off: of every other seed nobody looks for a while.
                if seed % 2 == 0 || number % 7 == 0 { try rig.compare() }
            }
            while try await rig.land() {}
            try rig.compare()
        } catch {
            Issue.record(
                """
                \(policy), seed \(seed), operation \(number): \(error)
                before it: \(rig.log.joined(separator: "; "))
                the last events: \(rig.lastEvents)
                """)
        }
    }
}
