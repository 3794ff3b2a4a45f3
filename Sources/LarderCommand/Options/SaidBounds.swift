import Larder
import LarderInspector

/// What settings said of a cache's bounds before, and what they say now.
struct SaidBounds {
    var cache: String
    var before: CacheConfiguration
    var after: CacheConfiguration

    /// Bounds with what is said otherwise than before; what an operator changed beside stays.
    func applied(to bounds: CacheConfiguration) -> CacheConfiguration {
        bounds.taking(from: before, to: after)
    }
}

extension LocalInspector {
    /// Makes one change of what is said otherwise than before: all of it, or nothing where any of
    /// it is refused. Returns what came of it; `nil` where there is nothing to change.
    ///
    /// It is a change like an operator's: one that is under way notices it, and ends.
    func change(_ said: [SaidBounds], by actor: Operator) async throws -> Outcome? {
        for _ in 0..<Self.tries {
            switch try await tryToChange(said, by: actor) {
            case .made(let outcome): return outcome
            case .overtaken: continue
            }
        }
        throw InspectorError(
            "somebody else is changing the bounds at the same time; stop that, and try again")
    }

    /// Finds out whether any of it would be refused; changes nothing.
    ///
    /// - Throws: What ``change(_:by:)`` would throw for that.
    func check(_ said: [SaidBounds]) async throws {
        let changes = wanted(said, try await report().caches)
        if !changes.isEmpty { _ = try await preview(.all(changes)) }
    }

    private static let tries = 10

    private enum Try {
        /// `nil` where there was nothing to change.
        case made(Outcome?)
        /// Somebody else changed bounds meanwhile: it can be tried again with those.
        case overtaken
    }

    private func wanted(_ said: [SaidBounds], _ caches: [CacheReport]) -> [Change] {
        said.compactMap { said -> Change? in
            guard said.before != said.after,
                let now = caches.first(where: { $0.name.isExactly(said.cache) })
            else { return nil }
            let bounds = said.applied(to: now.snapshot.configuration)
            return bounds == now.snapshot.configuration
                ? nil : .configure(cache: said.cache, to: bounds)
        }
    }

    private func tryToChange(_ said: [SaidBounds], by actor: Operator) async throws -> Try {
        let changes = wanted(said, try await report().caches)
        guard !changes.isEmpty else { return .made(nil) }
        let plan = try await plan(.all(changes))
        let how = PlanApplication(
            confirmation: plan.protected.isEmpty ? nil : plan.protected.joined(separator: ","))
        do {
            return .made(try await apply(plan.id, how, by: actor))
        } catch let error as InspectorError where !error.isUnrecorded {
            // What was done of it is taken back: it is all or nothing.
            _ = try? await undo(plan.id, by: actor)
            return .overtaken
        }
    }
}

extension Engine {
    /// Takes over settings that were read again: first it is found out whether bounds would be
    /// refused, so that where one of them is nothing at all has changed, keys of others' files
    /// included. Returns the places of what takes a new start, and what came of the bounds.
    func take(
        _ said: [SaidBounds], by actor: Operator
    ) async throws -> (others: [String], outcome: Outcome?) {
        try await inspector.check(said)
        let others = try await readAgain()
        return (others, try await inspector.change(said, by: actor))
    }
}
