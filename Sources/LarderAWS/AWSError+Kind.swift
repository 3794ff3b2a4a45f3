import AsyncHTTPClient
import FoundationEssentials
public import Larder
import NIOCore
import NIOPosix

extension AWSError: KnownFailure {
    /// As a cache counts it.
    public var failureKind: FailureKind {
        switch kind {
        case .missingItem: .absent
        case .throttled: .throttled
        case _ where isLate: .timedOut
        case .noCredentials, .unknownTable, .denied, .expiredToken, .unknownKey, .wrongSecret,
            .wrongTime, .invalid:
            .refused
        case .service where isRefusal: .refused
        default: .broken
        }
    }

    /// Whether an error says that something did not come in its time, or that nobody waits for it
    /// any more.
    static func isLate(_ error: any Error) -> Bool {
        switch error {
        case is AWSClient.Late, is CancellationError, ChannelError.connectTimeout: true
        case let error as HTTPClientError: late.contains { $0 == error }
        case let error as IOError: error.errnoCode == ETIMEDOUT
        case let error as NIOConnectionError:
            !error.connectionErrors.isEmpty
                && error.connectionErrors.allSatisfy { isLate($0.error) }
        default: false
        }
    }

    private static let late: [HTTPClientError] = [
        .connectTimeout, .readTimeout, .writeTimeout, .deadlineExceeded, .tlsHandshakeTimeout,
        .socksHandshakeTimeout, .httpProxyHandshakeTimeout, .getConnectionFromPoolTimeout,
        .cancelled,
    ]
}

extension ServiceError {
    /// The service, or what stands before it, gave up waiting.
    var isLate: Bool { [408, 504].contains(status) || Self.late.contains(Self.plain(code)) }

    static let late: Set = ["RequestTimeout", "RequestTimedOut"]
}
