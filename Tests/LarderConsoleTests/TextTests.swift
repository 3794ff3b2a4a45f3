import CNcurses
import Foundation
import LarderInspector
import TestSupport
import Testing

@testable import LarderConsole

@Suite struct `Text on the screen` {
    init() { setlocale(LC_CTYPE, "C.UTF-8") }

    @Test(arguments: [
        ("plain", 5), ("帳戶", 4), ("e\u{301}", 1), ("กำ", 2), ("กิ", 1), ("👨‍👩‍👧", 6), ("é", 1),
        ("…●", 2), ("\u{1100}\u{1161}\u{11a8}", 2),
    ])
    func `is as wide as its scalars are together`(text: String, width: Int) {
        #expect(Text.width(of: text) == width)
        #expect(Text.cells(text).map(\.width).reduce(0, +) == width)
        let sum = text.unicodeScalars.reduce(0) { sum, scalar in
            sum + max(0, Int(larder_wcwidth(wchar_t(scalar.value))))
        }
        #expect(sum == width)
    }

    @Test func `stands cell by cell, and what follows in its column`() {
        for text in ["กำ", "कि", "👨‍👩‍👧", "🇩🇪", "a" + String(repeating: "\u{301}", count: 4)] {
            var frame = Frame(Size(columns: 12, rows: 1))
            frame.put(text, at: Place(row: 0, column: 1))
            frame.put("|", at: Place(row: 0, column: 1 + Text.width(of: text)))
            #expect(frame.text[0].unicodeScalars.elementsEqual((" " + text + "|").unicodeScalars))
        }
    }

    @Test func `whatever it was, fits where it is put and steers nothing`() {
        var random = Fuzz.random("text on the screen")
        for _ in 0..<Fuzz.count {
            let text = Fuzz.text(10, using: &random)
            let columns = Int.random(in: 1...20, using: &random)
            let safe = Text.safe(text, ascii: false)
            #expect(
                safe.unicodeScalars.allSatisfy {
                    larder_wcwidth(wchar_t(bitPattern: $0.value)) >= 0
                })
            #expect(
                Text.safe(text, ascii: true).unicodeScalars.allSatisfy {
                    (32..<127).contains($0.value)
                })
            let cut = Text.cut(safe, to: columns, mark: "…")
            #expect(Text.width(of: cut) <= columns, "\(text)")
            var frame = Frame(Size(columns: columns, rows: 1))
            frame.put(safe, at: Place(row: 0, column: Int.random(in: -3...3, using: &random)))
            #expect(Text.width(of: frame.text[0]) <= columns)
            _ = frame.runs(in: 0)
        }
    }

    @Test func `of numbers is short, however large they are`() {
        var random = Fuzz.random("numbers on the screen")
        let doubles: [Double] = [
            .nan, .infinity, -.infinity, 1e300, -1e300, .leastNonzeroMagnitude, 9.3e18,
        ]
        for _ in 0..<Fuzz.count {
            let number = Fuzz.integer(using: &random)
            let double = doubles.randomElement(using: &random)! + Double(number)
            _ = Format.count(Int(number)) + Format.count(UInt64(bitPattern: number))
            _ = Format.brief(UInt64(bitPattern: number)) + Format.rate(double)
            _ = Format.age(.nanoseconds(number)) + Format.took(.nanoseconds(number))
            _ = Format.percent(double) + Sparkline.text([double, 1], width: 3, .unicode)
            _ = Sparkline.line(double, width: 9, .unicode).done + Format.bytes(Int(number))
            let time = Format.time(
                Date(timeIntervalSince1970: double),
                secondsFromUTC: Int.random(in: -50_000...50_000, using: &random))
            #expect(time.wholeMatch(of: /[0-2][0-9]:[0-5][0-9]:[0-5][0-9]/) != nil, "\(time)")
        }
        #expect(Format.time(Date(timeIntervalSince1970: -1), secondsFromUTC: 0) == "23:59:59")
        #expect(Format.time(Date(timeIntervalSince1970: 3600), secondsFromUTC: -7200) == "23:00:00")
    }
}
