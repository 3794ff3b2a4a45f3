import Foundation
import TestSupport
import Testing

@Suite struct `A program that opens the console` {
    @Test func `has its signals, descriptors and terminal as before, however often`() throws {
        let folder = try TemporaryFolder()
        let host = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "ConsoleHost").path
        let file = folder.path + "/found"
        let terminal = try Terminal("'\(host)' '\(file)' 3")
        for run in 1...3 {
            try terminal.wait(for: "host\(run)")
            try terminal.press("q")
        }
        #expect(try terminal.exitStatus() == 0)
        let found = try String(contentsOfFile: file, encoding: .utf8)
        #expect(
            found
                == "1: as before\n2: as before\n3: as before\nrefused: as before")
    }
}
