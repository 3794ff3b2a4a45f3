import Foundation
import TestSupport
import Testing

/// What must not stand in the sources, because of what it does where a disk is full or a reader
/// gone.
@Suite struct `The sources` {
    /// What to look for, what then has to fit, and why it must not.
    private static let unfit = [
        (
            "FileHandle.standard", #"FileHandle\.standard(Output|Error)"#,
            "its write ends the process"
        ),
        ("StreamLogHandler.", #"StreamLogHandler\.standard"#, "it waits for a reader for ever"),
        ("print(", #"(^|[^.\w])print\("#, "it loses what it cannot write"),
        ("rint", #"Swift\.print|debugPrint\(|\bprintf\("#, "it loses what it cannot write"),
        ("put", #"\b(fputs|puts|putchar)\("#, "it loses what it cannot write"),
        ("write(", #"\bfwrite\(|\bwrite\([12],"#, "it loses what it cannot write"),
    ]

    @Test func `write through the one writer that loses nothing and ends nothing`() throws {
        let folder = packageRoot.appending(path: "Sources").path
        let patterns = try Self.unfit.map { ($0, try Regex($1), $2) }
        var files = 0
        for case let name as String in FileManager.default.enumerator(atPath: folder)!
        where name.hasSuffix(".swift") {
            files += 1
            let text = try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
            for (sign, pattern, why) in patterns where text.contains(sign) {
                for line in text.split(separator: "\n")
                where line.contains(sign) && !line.contains("func print(")
                    && !line.drop(while: { $0 == " " }).hasPrefix("//")
                    && line.firstMatch(of: pattern) != nil
                {
                    Issue.record(
                        """
                        Sources/\(name): \(why). Output.print is for results, say for what is said \
                        beside them, Descriptor.write for all else: \(line)
                        """)
                }
            }
        }
        #expect(files > 100)
    }
}
