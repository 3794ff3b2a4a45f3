import Synchronization

/// What an operator should know and no error says: each sentence once.
final class Notices: Sendable {
    private let said = Mutex<Set<String>>([])
    private let tell: @Sendable (String) -> Void

    init(_ tell: @escaping @Sendable (String) -> Void = { _ in }) { self.tell = tell }

    func say(_ sentence: String) {
        guard said.withLock({ $0.insert(sentence).inserted }) else { return }
        tell(sentence)
    }
}
