import Foundation
import Larder
import NIOCore
import NIOPosix
import Synchronization

/// How many files this process may have open, sockets included.
public enum Descriptors {
    /// Raises this process' own limit as far as it may, for a program that is an engine: the usual
    /// one is low for the sake of others. A library does not do that to the service that it is in.
    ///
    /// - Throws: ``SocketError`` where even that is too little for an engine.
    public static func raise() throws(SocketError) {
        var limit = rlimit()
        if getrlimit(kind, &limit) == 0, limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            setrlimit(kind, &limit)
        }
        try startLoops()
    }

    private static let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

    package static var limit: Int {
        var limit = rlimit()
        guard getrlimit(kind, &limit) == 0 else { return 1024 }
        return Int(clamping: limit.rlim_cur)
    }

    package static var open: Int {
        // The listing has one open itself.
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count - 1) ?? 0
    }

    private static let areLoopsStarted = Guarded(false)

    /// Starts the loops that read connections: each needs a few, and without them the process ends.
    ///
    /// - Throws: ``SocketError`` where there are too few.
    package static func startLoops() throws(SocketError) {
        let missing: SocketError? = areLoopsStarted.withLock { areStarted in
            guard !areStarted else { return nil }
            let wanted = 3 * System.coreCount + 12
            guard limit - open >= wanted else { return tooFew(wanted) }
            _ = MultiThreadedEventLoopGroup.singleton
            areStarted = true
            return nil
        }
        if let missing { throw missing }
    }

    /// How many connections there may be at once, with some left for everything else.
    ///
    /// - Throws: ``SocketError`` where there is none.
    package static func connections(_ wanted: Int) throws(SocketError) -> Int {
        try startLoops()
        let forOthers = max(12, min(limit / 4, 256))
        let most = min(wanted, limit - open - forOthers)
        guard most >= min(4, wanted) else { throw tooFew(forOthers + 4) }
        return most
    }

    private static func tooFew(_ wanted: Int) -> SocketError {
        SocketError(
            "this process may have \(limit) files open, and \(open) are; \(wanted) more are needed: "
                + "raise the limit (ulimit -n, or LimitNOFILE= of a service)")
    }
}
