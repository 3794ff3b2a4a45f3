import FoundationEssentials
import Larder
import Synchronization

/// When a request that failed is sent again: the SDKs' standard mode of 2026.
///
/// A quota, filled by successes, keeps a service that is down from being asked three times as often
/// as one that is up.
final class Retries: Sendable {
    private let most: Int?
    private let quota = Mutex(Retries.fullQuota)
    let pause: @Sendable (Duration) async throws -> Void

    static let fullQuota = 500
    /// The longest wait before a retry.
    static let longest = 20.0

    /// - Parameters:
    ///   - most: Attempts in all, the first included; `nil` for 3, and 4 at DynamoDB.
    init(
        most: Int?,
        pause: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0)
        }
    ) {
        self.most = most
        self.pause = pause
    }

    func most(for service: String) -> Int { most ?? (service == "dynamodb" ? 4 : 3) }

    /// What a retry after this error costs; `nil` where there is no use in one.
    static func cost(_ error: AWSError) -> Int? {
        switch error.kind {
        case .throttled: 5
        case .cut, .unreachable, .corrupt: 14
        case .service where error.isTransient: 14
        default: nil
        }
    }

    /// Takes the cost out of the quota where there is enough.
    func spend(_ cost: Int) -> Bool {
        quota.withLock { left in
            guard left >= cost else { return false }
            left -= cost
            return true
        }
    }

    /// An attempt succeeded; what its retry cost comes back, or 1 for a first.
    func succeeded(_ cost: Int?) {
        quota.withLock { $0 = min(Self.fullQuota, $0 + (cost ?? 1)) }
    }

    /// How long to wait before retry number `retry`, from 0: at random, up to a time that doubles.
    static func delay(
        _ retry: Int, _ error: AWSError, service: String,
        share: Double = .random(in: 0..<1)
    ) -> Duration {
        let base =
            error.kind == .throttled ? 1 : service == "dynamodb" ? 0.025 : 0.05
        let wait =
            share
            * min(base * Double(sign: .plus, exponent: min(retry, 30), significand: 1), longest)
        guard let asked = error.retryAfter?.inSeconds else { return .seconds(wait) }
        return .seconds(max(wait, min(asked, wait + 5)))
    }
}
