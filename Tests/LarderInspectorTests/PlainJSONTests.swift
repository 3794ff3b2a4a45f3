import Foundation
import TestSupport
import Testing

@testable import LarderInspector

/// Numbers in JSON, whatever their text.
@Suite struct PlainJSONTests {
    private func json(_ shown: Shown) throws -> String {
        String(decoding: try PlainJSON.encode(shown), as: UTF8.self)
    }

    @Test(arguments: [
        ("1", "1"), ("-1.50", "-1.50"), ("0001", "1"), ("+5", "5"), (".5", "0.5"), ("5.", "5"),
        ("-.5e1", "-0.5e1"), ("1E+3", "1e3"), ("-0", "-0"), ("000", "0"), ("00.10", "0.10"),
        ("1e-130", "1e-130"), ("9.9E125", "9.9e125"),
        (
            "-1.2345678901234567890123456789012345678e-120",
            "-1.2345678901234567890123456789012345678e-120"
        ),
        (
            "12345678901234567890123456789012345678901234567890",
            "12345678901234567890123456789012345678901234567890"
        ),
    ])
    func `a number has all its digits, as JSON writes it`(text: String, number: String) throws {
        #expect(try json(.list([.number(text), .text(text)])) == "[\(number),\"\(text)\"]")
    }

    @Test(arguments: [
        "", "NaN", "nan", "Infinity", "-inf", "+", "-", ".", "e5", "1e", "1e+", "--1", "1.2.3",
        "1 ", " 1", "0x1f", "1_000", "1,5", "١", "１", "½", "1e1.5", "1e99999999999", "true",
        "1\u{301}", "1\0",
    ])
    func `text that is no number is a string`(text: String) throws {
        #expect(Shown.number(in: text) == nil)
        let data = Data(try json(.fields([.init("n", .number(text))])).utf8)
        #expect(try JSONDecoder().decode([String: String].self, from: data) == ["n": text])
        #expect(try JSONEncoder().encode([Shown.number(text)]).first == UInt8(ascii: "["))
    }

    /// What is left of a value on its way: numbers written in one way, members by name.
    private static func seen(_ value: Shown) -> Shown {
        switch value {
        case .number(let text):
            if let decimal = Shown.decimal(text) { return .number("\(decimal)") }
            return Shown.number(in: text).map { .number($0) } ?? .text(text)
        case .list(let items): return .list(items.map(seen))
        case .fields(let fields):
            return .fields(
                fields.map { .init($0.name, seen($0.value)) }.sorted { $0.name < $1.name })
        default: return value
        }
    }

    @Test func `no text is taken for a number, and no number for a text, there and back`() throws {
        var random = Seeded(20)
        let letters = Array("01239.-+eE\"\\ {}[]:,=\n🙂é")
        func text() -> String {
            String(
                (0..<Int.random(in: 0...50, using: &random)).map { _ in
                    letters.randomElement(using: &random)!
                })
        }
        func number() -> String {
            let digits = (0..<Int.random(in: 1...60, using: &random)).map { _ in
                "0123456789".randomElement(using: &random)!
            }
            let exponent = "e-\(Int.random(in: 0...400, using: &random))"
            return String(digits.prefix(9)) + "." + String(digits)
                + (Bool.random(using: &random) ? exponent : "")
        }
        for _ in 0..<20_000 {
            let value = Shown.fields([
                .init("a" + text(), .text(text())), .init("b", .number(text())),
                .init("d", .number(number())),
                .init("c", .list([.null, .bool(true), .number("\(Int.random(in: -9...9))")])),
            ])
            let data = try PlainJSON.encode(value, .sortedKeys)
            _ = try JSONSerialization.jsonObject(with: data)
            let back = try PlainJSON.decode(Shown.self, from: data)
            #expect(back == Self.seen(value), "\(value)")
        }
    }
}
