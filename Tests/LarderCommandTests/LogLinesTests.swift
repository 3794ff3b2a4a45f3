import Foundation
import LarderInspector
import TestSupport
import Testing

@testable import LarderCommand

@Suite struct `The lines of a log` {
    @Test func `never wait for a reader, and say where some are missing`() throws {
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        let (reading, writing) = (ends[0], ends[1])
        let log = LogLines(writing, most: 10_000)
        log.use { "note: \($0)\n" }
        // A pipe holds 65536 bytes, and the log ten thousand more.
        for number in 0..<2000 {
            log.write("\(number) " + String(repeating: "x", count: 94) + "\n")
        }
        _ = fcntl(reading, F_SETFL, O_NONBLOCK)
        var text = ""
        // Every line that was written, or how many are missing at that place.
        func seen() -> Int? {
            var buffer = [UInt8](repeating: 0, count: 4096)
            while case let count = Foundation.read(reading, &buffer, buffer.count), count > 0 {
                text += String(decoding: buffer[..<count], as: UTF8.self)
            }
            var next = 0
            for line in text.split(separator: "\n").dropLast(text.hasSuffix("\n") ? 0 : 1) {
                let words = line.split(separator: " ")
                if words[0] == "note:" {
                    next += Int(words[1])!
                } else {
                    guard Int(words[0]) == next else { return nil }
                    next += 1
                }
            }
            return next
        }
        #expect(eventually { seen() == 2000 }, "\(text)")
        #expect(text.contains("note: "))
        log.write("2000 after\n")
        #expect(eventually { seen() == 2001 }, "\(text)")
        log.finish()
    }

    @Test func `longer than all that may wait leave a mark at once`() throws {
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        let log = LogLines(ends[1], most: 1000)
        log.use { "note: \($0)\n" }
        var text = ""
        func said(_ part: String) -> Bool {
            var buffer = [UInt8](repeating: 0, count: 4096)
            while case let count = Foundation.read(ends[0], &buffer, buffer.count), count > 0 {
                text += String(decoding: buffer[..<count], as: UTF8.self)
            }
            return text.contains(part)
        }
        for line in [String(repeating: "x", count: 1000), "\nbefore\n"] {
            log.write(line)
            log.finish()
        }
        log.write(String(repeating: "x", count: 1001))
        #expect(
            eventually { said("before\nnote: 1 line was left out here: longer than") }, "\(text)")
        log.write("after\n")
        #expect(eventually { said("may wait\nafter\n") }, "\(text)")
        log.finish()
    }
}
