import Larder
import LarderInspector
import Logging

/// Registers the extension and follows the function's life to its end.
///
/// An extension that ends takes the function with it, so nothing here ends before Lambda says so:
/// what is refused is said, and the gateway goes on without being told of invokes.
struct Lifecycle: Sendable {
    let api: ExtensionsAPI
    let name: String
    let logger: Logger
    /// Called at each invoke, before anything else is waited for.
    let onInvoke: @Sendable () -> Void
    /// Waits before another try.
    var pause: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    /// What is asked for, in this order: some environments tell an extension of no invokes, and some
    /// only of those.
    private static let wishes = [["INVOKE", "SHUTDOWN"], ["SHUTDOWN"], ["INVOKE"]]

    /// Returns why the function ends; `nil` where that will never be told.
    func run() async throws -> String? {
        guard let id = try await registered() else { return nil }
        var troubles = 0
        while true {
            do {
                switch try await api.next(id) {
                case .invoke:
                    onInvoke()
                    troubles = 0
                case .shutdown(let reason): return reason
                case .other(let name):
                    logger.warning("an event is not known here", metadata: ["event": "\(name)"])
                    troubles += 1
                }
            } catch let refusal as ExtensionsAPI.Refused where !refusal.isPassing {
                logger.error("invokes are not told any more: \(refusal); the cache goes on")
                return nil
            } catch {
                try Task.checkCancellation()
                if troubles == 0 { logger.warning("no next event, asking again: \(words(error))") }
                troubles += 1
            }
            if troubles > 0 { try await pause(Self.delay(troubles)) }
        }
    }

    /// The identifier; `nil` where it is refused for good.
    private func registered() async throws -> String? {
        var (wish, troubles) = (0, 0)
        while true {
            do {
                let id = try await api.register(name, for: Self.wishes[wish])
                logger.info("registered", metadata: ["events": "\(list(Self.wishes[wish]))"])
                return id
            } catch let refusal as ExtensionsAPI.Refused where !refusal.isPassing {
                if refusal.type.contains("Event"), wish + 1 < Self.wishes.count {
                    wish += 1
                    continue
                }
                logger.error("not registered: \(refusal); the cache goes on")
                return nil
            } catch {
                try Task.checkCancellation()
                if troubles == 0 { logger.warning("not registered yet: \(words(error))") }
                troubles += 1
                try await pause(Self.delay(troubles))
            }
        }
    }

    private func list(_ events: [String]) -> String { events.joined(separator: ",") }

    private func words(_ error: any Error) -> String {
        (error as? ExtensionsAPI.Refused).map { "\($0)" } ?? "no answer (\(error))"
    }

    /// Soon at first, as the whole of init has ten seconds, and once a second in the end.
    static func delay(_ troubles: Int) -> Duration {
        .milliseconds(min(1000, 10 << min(troubles, 7)))
    }
}
