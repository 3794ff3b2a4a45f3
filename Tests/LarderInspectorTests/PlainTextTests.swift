import Foundation
import LarderInspector
import TestSupport
import Testing

@Suite struct `Text that is shown` {
    @Test(arguments: [
        ("plain", "plain"), ("Grüße 帳戶", "Grüße 帳戶"), ("e\u{301}", "e\u{301}"), ("กำ กิ", "กำ กิ"),
        ("कि", "कि"), ("🇩🇪", "🇩🇪"), ("👨‍👩‍👧", "👨‍👩‍👧"), ("❤️", "❤️"),
        ("क्‍ष", "क्‍ष"), ("a\u{202e}b", "a?b"), ("\u{2066}x\u{2069}", "?x?"), ("a\u{200b}b", "a?b"),
        ("a\u{200d}b", "a?b"), ("a\u{feff}", "a?"), ("\u{9b}31m", "?31m"), ("\u{1b}[2J", "?[2J"),
        ("\u{7f}", "?"), ("a\nb", "a?b"), ("a\r\nb", "a??b"), ("a\u{2028}b\u{2029}", "a?b?"),
        ("x\u{e0041}\u{e007f}", "x??"), ("\u{301}x", "?x"), ("a\u{ad}b", "a?b"),
        ("\u{115f}\u{3164}", "??"), ("a\u{fe0f}", "a?"), ("\u{378}", "?"), ("\0", "?"),
        ("1\u{fe0f}", "1?"), ("1\u{fe0f}\u{20e3}", "1\u{fe0f}\u{20e3}"), ("❤\u{fe0e}", "❤?"),
        ("👍\u{fe0f}", "👍?"), ("👍\u{fe0e}", "👍\u{fe0e}"), ("a\u{2800}b", "a?b"),
        ("a\u{e0100}", "a?"), ("\u{180b}\u{34f}", "??"),
    ])
    func `has a question mark for each scalar that is not fit`(text: String, shown: String) {
        #expect(Array(PlainText.fit(text).unicodeScalars) == Array(shown.unicodeScalars))
    }

    @Test func `has four marks on one letter at most`() {
        let text = "a" + String(repeating: "\u{301}", count: 2000) + "b"
        let shown = "a" + String(repeating: "\u{301}", count: 4) + "?b"
        #expect(Array(PlainText.fit(text).unicodeScalars) == Array(shown.unicodeScalars))
    }

    @Test func `of several lines keeps the lines`() {
        #expect(PlainText.lines("a\u{1b}\n  \tb\n  ^") == "a?\n   b\n  ^")
    }

    @Test func `of others has no line that could be one of ours`() {
        #expect(
            PlainText.message("no key \"a\nlarder: all is well\"\n\tx")
                == "no key \"a\n  larder: all is well\"\n   x")
    }

    @Test func `as JSON has few marks on a letter, and none on what is JSON's own`() throws {
        let marks = String(repeating: "\u{301}", count: 6)
        let text = "{\"\u{301}a\(marks)\":\"\u{202e}\u{301}\\\"\u{301}\"}"
        #expect(
            Array(PlainText.json(text).utf8)
                == Array(
                    ("{\"\\u0301a\u{301}\u{301}\u{301}\u{301}\\u0301\\u0301\":"
                        + "\"\\u202e\\u0301\\\"\\u0301\"}").utf8))
        #expect(try Shown(json: Array(PlainText.json(text).utf8)) == Shown(json: Array(text.utf8)))
    }

    @Test func `that joins on to what is not shown is not shown either`() {
        // The picture's sign stands behind no picture; the joiner behind it joins nothing.
        #expect(PlainText.fit("\u{212a}\u{fe0f}\u{200d}\u{1f468}") == "\u{212a}??\u{1f468}")
    }

    @Test func `as JSON says the same with escapes`() throws {
        let text = "[\n  \"a\u{7f}\u{9b}\u{202e}\u{e0041}é帳\"\n]"
        let shown = PlainText.json(text)
        #expect(shown == "[\n  \"a\\u007f\\u009b\\u202e\\udb40\\udc41é帳\"\n]")
        #expect(try Shown(json: Array(shown.utf8)) == Shown(json: Array(text.utf8)))
    }

    @Test func `as a document of JSON is the same as its text`() throws {
        var random = Fuzz.random("documents")
        for _ in 0..<Fuzz.count {
            let texts = (0..<5).map { _ in Fuzz.text(12, using: &random) }
            let document = try JSONEncoder().encode(texts)
            let text = PlainText.json(String(decoding: document, as: UTF8.self))
            #expect(Array(PlainText.json(document)) == Array(text.utf8))
            let plain = try PlainJSON.encode(texts)
            #expect(
                !String(decoding: plain, as: UTF8.self).unicodeScalars.contains {
                    (0x7f...0x9f).contains($0.value) || (0x202a...0x202e).contains($0.value)
                        || (0x2066...0x2069).contains($0.value)
                })
            let again = try PlainJSON.decode([String].self, from: plain)
            #expect(again.map { Array($0.utf8) } == texts.map { Array($0.utf8) })
        }
    }

    @Test func `never steers, whatever it was, and what is fit stays so`() throws {
        var random = Fuzz.random("text")
        for _ in 0..<Fuzz.count {
            let text = Fuzz.text(12, using: &random)
            let shown = PlainText.fit(text)
            #expect(Array(PlainText.fit(shown).utf8) == Array(shown.utf8))
            for scalar in shown.unicodeScalars {
                let kind = scalar.properties.generalCategory
                #expect(kind != .control && kind != .lineSeparator && kind != .paragraphSeparator)
                #expect(!scalar.properties.isBidiControl && scalar.value < 0xe0000)
            }
            let json = Shown.list([.text(text)]).json
            let plain = PlainText.json(json)
            #expect(try Shown(json: Array(plain.utf8)).json.utf8.elementsEqual(json.utf8))
            for shown in [shown, plain] { #expect(mostMarks(shown) <= 4, "\(shown)") }
        }
    }

    /// How many marks stand behind one another.
    private func mostMarks(_ text: String) -> Int {
        var (most, marks) = (0, 0)
        for scalar in text.unicodeScalars {
            let kind = scalar.properties.generalCategory
            marks = kind == .nonspacingMark || kind == .enclosingMark ? marks + 1 : 0
            most = max(most, marks)
        }
        return most
    }
}

@Suite struct `A line of CSV` {
    @Test(arguments: [
        (["a", "b c", ""], "a,b c,"), (["a,b", "c\"d"], #""a,b","c""d""#), (["a\nb"], "\"a\nb\""),
        (["a\rb"], "\"a\rb\""), (["a\r\nb"], "\"a\r\nb\""), (["x\"\u{301}"], "\"x\"\"\u{301}\""),
        (["=1+1"], "'=1+1"), (["+a"], "'+a"), (["-a"], "'-a"), (["@a"], "'@a"), (["\ta"], "'\ta"),
        (["\ra"], "\"'\ra\""), (["=a,b"], "\"'=a,b\""),
        (["-5", "+5", "-1.5e-3", "-.5"], "-5,+5,-1.5e-3,-.5"),
        (["-", "+1+1", "-1e", "=5"], "'-,'+1+1,'-1e,'=5"), (["a=b"], "a=b"),
        (["\u{ff1d}1"], "'\u{ff1d}1"),
    ])
    func `quotes what has to be, and holds no formula`(fields: [String], line: String) {
        #expect(Array(CSV.line(fields).utf8) == Array(line.utf8))
    }

    /// RFC 4180, read byte by byte.
    private func read(_ line: String) -> [String]? {
        var fields: [[UInt8]] = [[]]
        var rest = Array(line.utf8)[...]
        var isQuoted = false
        while let byte = rest.popFirst() {
            if isQuoted {
                if byte != UInt8(ascii: "\"") {
                    fields[fields.count - 1].append(byte)
                } else if rest.first == byte {
                    fields[fields.count - 1].append(rest.removeFirst())
                } else {
                    isQuoted = false
                }
            } else if byte == UInt8(ascii: ",") {
                fields.append([])
            } else if byte == UInt8(ascii: "\"") {
                guard fields[fields.count - 1].isEmpty else { return nil }
                isQuoted = true
            } else if byte == 10 || byte == 13 {
                return nil
            } else {
                fields[fields.count - 1].append(byte)
            }
        }
        return isQuoted ? nil : fields.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `is read back, but for the mark before a formula`() throws {
        var random = Fuzz.random("CSV")
        for _ in 0..<Fuzz.count {
            let fields = (0..<3).map { _ in
                Bool.random(using: &random)
                    ? Fuzz.text(using: &random) : Fuzz.number(using: &random)
            }
            let back = try #require(read(CSV.line(fields)), "\(fields)")
            #expect(back.count == fields.count)
            for (field, back) in zip(fields, back) {
                let isKept = Verbatim(back) == Verbatim(field)
                #expect(isKept || Verbatim(back) == Verbatim("'" + field), "\(field)")
                let first = back.unicodeScalars.first
                let isFormula = first.map { "=@\t\r".unicodeScalars.contains($0) } ?? false
                #expect(!isFormula, "\(field)")
            }
        }
    }
}
