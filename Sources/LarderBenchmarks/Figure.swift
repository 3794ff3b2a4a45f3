/// One thing that is measured, for ours and for its peers in turn.
struct Figure: Sendable {
    /// By which it is asked for: `hit.64.1t`.
    let id: String
    let unit: String
    /// What it says, in a line.
    let about: String
    /// Rounds that are worth their time; a deterministic figure needs one.
    var rounds = Int.max
    /// Makes what is measured: ours first, then the peers that are there.
    let contestants: @Sendable (Bench) async throws -> [Contestant]
}

/// One side of a comparison.
struct Contestant {
    /// `ours`, or the peer's name.
    let name: String
    /// Takes one sample, in the figure's unit; `nil` where there is none to take.
    let sample: () async throws -> Double?

    init(_ name: String, sample: @escaping () async throws -> Double?) {
        self.name = name
        self.sample = sample
    }

    static func ours(_ sample: @escaping () async throws -> Double?) -> Contestant {
        Contestant("ours", sample: sample)
    }
}

/// Why a figure or a peer is left out, as a sentence.
struct LeftOut: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// What a figure came to.
struct Outcome: Encodable {
    var id: String
    var unit: String
    var ours: [Double] = []
    var peers: [String: [Double]] = [:]
}

extension Figure {
    /// Takes the samples in turn, ours, peer, ours, peer, so that whatever else the machine does
    /// falls on all of them.
    func measure(_ bench: Bench) async throws -> Outcome {
        let contestants = try await contestants(bench)
        var outcome = Outcome(id: id, unit: unit)
        for _ in 0..<min(rounds, bench.rounds) {
            for contestant in contestants {
                guard let sample = try await contestant.sample() else { continue }
                if contestant.name == "ours" {
                    outcome.ours.append(sample)
                } else {
                    outcome.peers[contestant.name, default: []].append(sample)
                }
            }
        }
        return outcome
    }
}

extension [Double] {
    /// The middle one, or between the two in the middle; `nil` of none.
    var median: Double? {
        guard !isEmpty else { return nil }
        let sorted = sorted()
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }
}
