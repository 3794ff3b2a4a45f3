import Foundation
import Larder
import LarderInspector

/// What the console itself takes, measured now and then.
struct CostMeter {
    var frames = 0
    private var last: (at: ContinuousClock.Instant, processor: Double, bytes: Bytes)?

    private struct Bytes {
        var read = 0.0
        var written = 0.0
    }

    /// The cost since the time before; `nil` where that is not long ago.
    mutating func measured(at now: ContinuousClock.Instant) -> Model.OwnCost? {
        let passed = last.map { (now - $0.at).inSeconds } ?? .infinity
        guard passed >= 5 else { return nil }
        let (processor, bytes) = (Self.processor, Self.bytes)
        defer { last = (now, processor, bytes) }
        guard let before = last else { return nil }
        var cost = Model.OwnCost()
        cost.share = (processor - before.processor) / passed
        cost.memory = ProcessMemory.current().resident ?? 0
        cost.read = (bytes.read - before.bytes.read) / passed
        cost.written = (bytes.written - before.bytes.written) / passed
        cost.frames = frames
        return cost
    }

    /// What this process has read and written so far.
    private static var bytes: Bytes {
        var bytes = Bytes()
        let text = (try? String(contentsOfFile: "/proc/self/io", encoding: .utf8)) ?? ""
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            guard parts.count == 2, let count = Double(parts[1]) else { continue }
            if parts[0] == "rchar:" { bytes.read = count }
            if parts[0] == "wchar:" { bytes.written = count }
        }
        return bytes
    }

    /// Seconds of processor time of this process.
    private static var processor: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
