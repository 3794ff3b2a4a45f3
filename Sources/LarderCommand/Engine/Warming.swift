import Larder
import LarderAWS
import LarderInspector
import Synchronization

/// The keys that are looked up once at the start, until each has had an answer.
///
/// Where they cannot be listed, that is said once, and the console's `f` fetches by hand meanwhile.
final class Warming: Sendable {
    private let state: Mutex<State>

    private struct State {
        /// `nil` before they were listed.
        var left: [Verbatim]?
        var isSaid = false
    }

    /// - Parameter named: Those to be looked up instead of what the origin lists.
    init(named: [Verbatim]) {
        state = Mutex(State(left: named.isEmpty ? nil : named))
    }

    var isDone: Bool { state.withLock { $0.left?.isEmpty == true } }

    /// Lists them where they are not known yet; false where that failed and another try may do
    /// better.
    func list(_ keys: () async throws -> [Verbatim]) async -> Bool {
        guard state.withLock({ $0.left == nil }) else { return true }
        do {
            let keys = try await keys()
            state.withLock { $0.left = keys }
            return true
        } catch {
            let mayCome = Refresh.items.meaning(error) == .passing
            let isNew = state.withLock { state in
                defer { state.isSaid = true }
                if !mayCome { state.left = [] }
                return !state.isSaid
            }
            if isNew {
                say("\(Notes.words(error)); name keys with --keys, or one with f in the console")
            }
            return !mayCome
        }
    }

    /// Looks all of them up at once that are left; those that have an answer are so no more.
    func lookUp(_ isAnswered: @escaping @Sendable (Verbatim) async -> Bool) async {
        let keys = state.withLock { $0.left } ?? []
        let left = await withTaskGroup { group in
            for key in keys {
                group.addTask { await isAnswered(key) ? nil : key }
            }
            return await group.reduce(into: [Verbatim]()) { left, key in
                if let key { left.append(key) }
            }
        }
        state.withLock { $0.left = left }
    }
}

/// Whether a look-up has an answer: a value, or a failure that another try would not mend.
func isAnswered(_ refresh: Refresh, _ lookUp: () async throws -> Void) async -> Bool {
    do { try await lookUp() } catch { return refresh.meaning(error) != .passing }
    return true
}
