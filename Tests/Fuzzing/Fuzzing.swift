import Foundation
import Larder

@testable import LarderAWS
@testable import LarderInspector
@testable import LarderWire

// What reads something from outside, under a fuzzer that looks for inputs which take new ways
// through the code (libFuzzer; `Tests/fuzz` builds and runs it). No input may trap, hang, or break
// what is said here of what comes back.

/// A reader, by the first byte of an input: a letter, so that a corpus can be read and written.
private let readers: [UInt8: @Sendable ([UInt8]) -> Void] = [
    UInt8(ascii: "f"): { filter(text($0)) },
    UInt8(ascii: "u"): { units(text($0)) },
    UInt8(ascii: "h"): { threshold(text($0)) },
    UInt8(ascii: "k"): { keys(text($0)) },
    UInt8(ascii: "t"): { terminal(text($0)) },
    UInt8(ascii: "j"): { json($0) },
    UInt8(ascii: "c"): { decode(Change.self, $0) },
    UInt8(ascii: "r"): { decode(ChangeRecord.self, $0) },
    UInt8(ascii: "l"): { decode(Look.self, $0) },
    UInt8(ascii: "s"): { stream($0) },
    UInt8(ascii: "p"): { _ = try? profiles(text($0)) },
    UInt8(ascii: "w"): { _ = shellWords(text($0)) },
    UInt8(ascii: "d"): { _ = looseTime(text($0), now: Date(timeIntervalSince1970: 1_700_000_000)) },
    UInt8(ascii: "e"): { _ = try? Endpoint(text($0)) },
    UInt8(ascii: "x"): { _ = XMLValues($0) },
    UInt8(ascii: "a"): { _ = try? JSONDecoder().decode(AttributeValue.self, from: Data($0)) },
    UInt8(ascii: "v"): { _ = try? JSONDecoder().decode(ServedKeys.self, from: Data($0)) },
]

/// What there is only takes away from what can be read.
private func filter(_ text: String) {
    let scopes = [EntryFilter.Scope.entries(of: ["accounts"]), .events(of: ["accounts"])]
    let isRead = (try? EntryFilter(text)) != nil
    for scope in scopes {
        let isReadThere = (try? EntryFilter(text, of: scope)) != nil
        precondition(isRead || !isReadThere)
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0, let reader = readers[bytes[0]] else { return -1 }
    reader(Array(UnsafeBufferPointer(start: bytes + 1, count: count - 1)))
    return 0
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

private func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) {
    _ = try? PlainJSON.decode(type, from: Data(bytes))
}

/// What is read is written so that it is read as the same.
private func units(_ text: String) {
    if let duration = try? Units.duration(text) { _ = Units.text(duration) }
    if let ttl = try? Units.ttl(text) { _ = Format.left(ttl) }
    if let bytes = try? Units.maxbytes(text) { _ = Format.bytes(bytes) }
    if let maxsize = try? Units.maxsize(text) {
        precondition((try? Units.maxsize(Units.text(maxsize: maxsize))) == maxsize)
    }
    _ = try? Units.share(text)
    _ = try? Units.policy(text)
}

/// What is read is written so that it is read as the same; what is not is refused within the text.
private func threshold(_ text: String) {
    if let rate = try? Units.rate(text) { precondition(rate >= 0 && rate.isFinite) }
    do {
        let threshold = try Threshold(text)
        precondition((try? Threshold(threshold.description)) == threshold)
        precondition(threshold.value >= 0)
        _ = threshold.measure.text(threshold.value)
    } catch {
        precondition((0...text.count).contains(error.place))
        _ = error.description
    }
}

/// No two lists of parts are written alike.
private func keys(_ text: String) {
    for count in 1...2 {
        guard let parts = try? KeyNotation.parts(text, count: count) else { continue }
        precondition(parts.count == count)
        let again = try? KeyNotation.parts(KeyNotation.text(parts), count: count)
        precondition(again.map { $0.map { Array($0.utf8) } } == parts.map { Array($0.utf8) })
    }
    _ = KeyNotation.pieces(text)
}

/// What is fit stays as it is, and has no sign that steers a terminal.
private func terminal(_ text: String) {
    let fit = PlainText.fit(text)
    precondition(Array(PlainText.fit(fit).utf8) == Array(fit.utf8))
    precondition(
        !fit.unicodeScalars.contains { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) })
    let line = CSV.line([text, fit])
    precondition(line.utf8.filter { $0 == UInt8(ascii: "\"") }.count % 2 == 0)
    _ = PlainText.json(text)
    _ = PlainText.lines(text)
}

/// What is read as JSON is written as JSON that is read as the same.
private func json(_ bytes: [UInt8]) {
    guard let shown = try? Shown(json: bytes) else { return }
    guard let data = try? PlainJSON.encode(shown) else { return }
    precondition((try? Shown(json: Array(data))) != nil, "written JSON is JSON")
}

/// However a stream is cut, the same comes out of it.
private func stream(_ bytes: [UInt8]) {
    var (whole, pieces) = (ServerSentEvents.Reader(), ServerSentEvents.Reader())
    let cut = bytes.count / 2
    guard let all = try? whole.take(bytes), let first = try? pieces.take(bytes[..<cut]),
        let second = try? pieces.take(bytes[cut...])
    else { return }
    precondition(all == first + second, "a cut changes nothing")
}

private func profiles(_ text: String) throws {
    let file = try SettingsFile(text, file: "config")
    for section in file.sections {
        for setting in section.settings.values { _ = try? setting.nested() }
    }
}
