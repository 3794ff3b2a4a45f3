import Synchronization
import Larder
import LarderInspector

/// Counts who asked for which table, and what came of it.
///
/// A hit costs one lock and one look-up in a dictionary. Names of programs are whatever anybody sends:
/// few are kept of each, and none is long.
final class Askers: Sendable {
    private struct Key: Hashable {
        var table: Verbatim?
        var identity: UInt32?
    }

    fileprivate struct Counts {
        var asker: GatewayReport.Asker
        /// Seconds and capacity units of what was fetched, and how often.
        var fetched = 0
        var seconds = 0.0
        var capacity = 0.0
        /// The program that asked last, as it was sent.
        var agent: String?
        /// The connections that asked first lately.
        var senders: [Sender] = []
        /// The one that gives way to the next.
        var oldest = 0
    }

    private let processes = AskingProcesses()
    private let counts = Guarded<[Key: Counts]>([:])

    /// Most tables and identities that are told apart.
    private static let most = 256
    fileprivate static let mostAgents = 4
    fileprivate static let mostSenders = 4
    fileprivate static let longestAgent = 60

    /// What a fetch took.
    struct Cost {
        var time: Duration
        var capacity: Double
    }

    /// - Parameters:
    ///   - outcome: `nil` where it was refused.
    ///   - cost: What it took, where it was a fetch of this request's own.
    func count(
        _ table: Verbatim?, by identity: Identity?, _ outcome: Outcome?, cost: Cost? = nil,
        agent: String?, from sender: Sender
    ) {
        counts.withLock { counts in
            var key = Key(table: table, identity: identity?.number)
            if counts[key] == nil, counts.count >= Self.most { key = Key() }
            counts[
                key,
                default: Counts(
                    asker: .init(
                        table: key.table?.text,
                        identity: key.identity.flatMap { _ in identity?.name }))
            ].add(outcome, cost, agent, sender)
        }
    }

    /// Capacity units that a fetch of a table takes on average; `nil` before the first.
    func units(of table: Verbatim) -> Double? {
        let counts = counts.withLock { counts in
            counts.filter { $0.key.table == table }.map { ($0.value.capacity, $0.value.fetched) }
        }
        let fetched = counts.reduce(0) { $0 + $1.1 }
        return fetched == 0 ? nil : counts.reduce(0) { $0 + $1.0 } / Double(fetched)
    }

    /// Requests that were answered from what is held, or with what was being fetched for another.
    var answered: UInt64 {
        let all = counts.withLock { counts in counts.values.map(\.asker) }
        return all.reduce(0) { $0 + $1.hits + $1.joined + $1.stale }
    }

    /// Those that asked most first.
    var all: [GatewayReport.Asker] {
        let counts = counts.withLock { Array($0.values) }
        let known = processes.processes(of: counts.flatMap(\.senders))
        return counts.map { $0.told(known) }.sorted {
            ($1.requests, $0.table ?? "", $0.identity ?? "")
                < ($0.requests, $1.table ?? "", $1.identity ?? "")
        }
    }
}

extension Askers.Counts {
    fileprivate mutating func add(
        _ outcome: Outcome?, _ cost: Askers.Cost?, _ agent: String?, _ sender: Sender
    ) {
        switch outcome {
        case .hit: asker.hits += 1
        case .miss: asker.misses += 1
        case .joined: asker.joined += 1
        case .stale: asker.stale += 1
        case .pass: asker.passed += 1
        case nil: asker.refused += 1
        }
        if let cost {
            fetched += 1
            seconds += Double(cost.time.nanoseconds) / 1e9
            capacity += cost.capacity
        }
        if !senders.contains(sender) {
            if senders.count < Askers.mostSenders {
                senders.append(sender)
            } else {
                senders[oldest] = sender
                oldest = (oldest + 1) % Askers.mostSenders
            }
        }
        guard let agent, self.agent != agent else { return }
        self.agent = agent
        // What stands behind the first word is the machine's.
        let name = agent.utf8.prefix(Askers.longestAgent).prefix { $0 != UInt8(ascii: " ") }
        let fit = PlainText.fit(String(decoding: name, as: UTF8.self))
        asker.agents.removeAll { $0.isExactly(fit) }
        asker.agents = Array(([fit] + asker.agents).prefix(Askers.mostAgents))
    }

    fileprivate func told(_ known: [Sender: GatewayReport.Process]) -> GatewayReport.Asker {
        var asker = asker
        var processes: [GatewayReport.Process] = []
        for sender in senders {
            guard let process = known[sender], !processes.contains(process) else { continue }
            processes.append(process)
        }
        asker.processes = processes.isEmpty ? nil : processes
        guard fetched > 0 else { return asker }
        let saved = Double(asker.savedCalls) / Double(fetched)
        asker.savedSeconds = seconds * saved
        asker.savedCapacity = capacity * saved
        asker.savedDollars = capacity * saved * FetchCost.dollarsPerUnit
        return asker
    }
}
