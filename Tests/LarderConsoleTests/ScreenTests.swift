import CNcurses
import Larder
@testable import LarderInspector
import Testing

@testable import LarderConsole

@Suite struct `The screen` {
    @Test func `of 80x24 shows header, table, detail, events and keys`() {
        var model = model(80, 24)
        _ = update(
            &model,
            look(
                model, rows, report(seconds: 1, hits: 990, misses: 110),
                events: [evicted(1, "100000000009"), evicted(2, "100000000004")]))
        _ = update(&model, .lookedAtEntry(rows[0].id, detail))
        model.cursor = rows[0].id
        model.detail = detail
        #expect(
            render(model).text == [
                " hit 1m 90.5%    105/s  3 entries, 9.2 KiB                    accounts 14:07:01",
                " accounts         ██   105/s hit 1m 90.5% miss   10/s evict    0/s   2/64 ░░░░░",
                " credentials      ▁▁     0/s hit 1m     - miss    0/s evict    0/s   1/64 ░░░░░",
                "[1Entries]2Expiry 3Evictions 4Events 5Config 6Memory 7Origins 8What if 9Caches",
                "   KEY                  CACHE          TTL▲  EXPIRY    HITS     SIZE  STATE",
                ">  100000000001         accounts         4s       -  12,884    402 B  expiring",
                "   100000000002         accounts      1m06s       -       0    402 B  cold",
                "   100000000001/reader  credentials  12m33s  12m33s       0  8.4 KiB  cold",
                "", "", "", "", "", "", "", "",
                " 1-3/3        sort ttl ▲  every 1s",
                " 100000000001  accounts  version 7  written 14:02:04 (4m56s ago)  fetch 31ms",
                " ends at 14:07:04  hits 12,884  last hit 3s ago  size 402 B",
                " account_number 100000000001  name Pine Labs  tags.0 a  tags.1 2",
                " 14:07:00 accounts    evicted       2: 100000000009 100000000004",
                "", "",
                " Enter Detail  / Filter  s Sort  Space Mark  d Invalidate  ? Help  q Quit",
            ])
    }

    @Test func `counts every row down by the second, and shows 0s only when the time is over`() {
        var model = model(80, 24)
        #expect(render(model).text[5].contains(" 5s "))
        _ = update(&model, .tick(at(1003)))
        #expect(render(model).text[5].contains(" 2s "))
        _ = update(&model, .tick(at(1004.1)))
        #expect(render(model).text[5].contains(" 1s "))
        _ = update(&model, .tick(at(1004.2)))
        #expect(render(model).text[5].contains(" 0s "))
        #expect(render(model).text[5].hasSuffix("expired"))
    }

    @Test func `of a wide terminal has boxes for rates, entries, detail and events`() {
        var model = model(120, 40)
        model.detail = detail
        let text = render(model).text
        #expect(text[1].hasPrefix(" ┌─ Look-ups and misses a second ─"))
        #expect(text[8].contains("┌─ Entries ─") && text[8].contains("┌─ Detail ─"))
        #expect(text.contains { $0.contains("┌─ Events ─") })
        #expect(text.contains { $0.contains("│ account_number 100000000001") })
        #expect(text[9].hasPrefix(" │   KEY") && text[9].contains("HITS"))
        // Nothing stands in the last column, and all boxes end in one line.
        let widths = Set(text.filter { $0.hasSuffix("│") || $0.hasSuffix("┐") }.map(\.count))
        #expect(widths == [119])
    }

    @Test func `drops size, hits, expiry and cache as it gets narrower, never key, ttl and state`()
    {
        func heading(_ columns: Int) -> [String] {
            let text = render(model(columns, 24)).text
            let line = text.first { $0.contains("KEY") }!
            return line.replacing("▲", with: "").split(separator: " ").map(String.init)
        }
        #expect(heading(80) == ["KEY", "CACHE", "TTL", "EXPIRY", "HITS", "SIZE", "STATE"])
        #expect(heading(73) == ["KEY", "CACHE", "TTL", "EXPIRY", "HITS", "STATE"])
        #expect(heading(65) == ["KEY", "CACHE", "TTL", "EXPIRY", "STATE"])
        #expect(heading(56) == ["KEY", "CACHE", "TTL", "STATE"])
        #expect(heading(43) == ["KEY", "TTL", "STATE"])
    }

    @Test(arguments: [8, 9, 11, 13, 16, 24])
    func `keeps three rows of the table at any height`(height: Int) {
        let many = (0..<30).map { account("1000000000\($0 + 10)", left: Double($0) + 100) }
        let text = render(model(80, height, many)).text
        #expect(text.count { $0.contains("  accounts   ") && $0.contains("fresh") } >= 3)
        #expect(text.last!.hasSuffix("? Help  q Quit"))
    }

    @Test func `is one line where there is next to no room`() {
        #expect(render(model(39, 24)).text[0] == "hit 1m 90.9% 110/s 3 held")
        #expect(render(model(20, 1)).text == ["hit 1m 90.9% 110/s …"])
        #expect(render(model(1, 1)).text == ["…"])
    }

    @Test func `uses no sign beyond ASCII where the terminal has none`() {
        var model = model(120, 40, [account("1000é☃", left: 10)] + rows, glyphs: .ascii)
        for key in [nil, Key.char("?"), .char("s"), .char("m")] {
            if let key { _ = press(&model, .escape, key) }
            let text = render(model).text.joined(separator: "\n")
            #expect(text.allSatisfy { $0.isASCII })
        }
        _ = press(&model, .escape)
        #expect(render(model).text.joined().contains("1000??"))
    }

    @Test func `shows keys that would steer the terminal as question marks`() {
        let text = render(model(80, 24, [account("\u{1b}[2J\u{7}evil\n", left: 10)])).text
        #expect(text[5].contains("?[2J?evil?"))
    }

    @Test func `cuts wide characters to their columns`() {
        let text = render(model(80, 24, [account(String(repeating: "帳戶", count: 15), left: 10)]))
            .text
        #expect(text[5].hasPrefix(">  帳戶帳戶帳戶帳戶帳戶帳戶帳…"))
        #expect(Text.width(of: text[5]) <= 80)
    }

    @Test func `says DEMO in reverse video where the engine is an invented one`() {
        var model = model(80, 24)
        model.isDemo = true
        let frame = render(model)
        #expect(frame.text[0].contains(" DEMO "))
        #expect(frame.runs(in: 0).contains { $0.text == " DEMO " && $0.style == .badge })
    }

    @Test func `says DEMO of whatever engine says it is one, with its name`() {
        var model = model(80, 24)
        var invented = report()
        (invented.isDemo, invented.name) = (true, "practice")
        _ = update(&model, look(model, [], invented))
        #expect(render(model).text[0].contains(" DEMO  practice "))
        invented.name = "demo"
        _ = update(&model, look(model, [], invented))
        #expect(render(model).text[0].contains(" DEMO ") && !render(model).text[0].contains("demo"))
    }

    @Test func `says what is amiss where there are no rows`() {
        #expect(render(model(80, 24, [])).text[5] == "   no entries are held")
        var filtered = model(80, 24)
        filtered.query.filter = "xyz"
        _ = update(&filtered, look(filtered, [], report()))
        #expect(render(filtered).text[5] == "   nothing passes \"xyz\"; Esc clears")
    }

    @Test func `has a word for every state, colour or not`() {
        let shown = [
            account("a", left: -1), account("b", left: 20), account("c", left: 200, hits: 0),
            account("d", left: 200),
        ]
        let text = render(model(80, 24, shown)).text
        #expect(
            text[5...8].map { $0.split(separator: " ").last! }
                == ["expired", "expiring", "cold", "fresh"])
    }
}

@Suite struct `Numbers` {
    @Test(arguments: [
        (0.0, "0/s"), (0.04, "0/s"), (2.13, "2.1/s"), (9.96, "10/s"), (812.4, "812/s"),
        (12_345.0, "12,345/s"),
    ])
    func `of things a second`(rate: Double, text: String) { #expect(Format.rate(rate) == text) }

    @Test(
        arguments: [
            (0, "0"), (999, "999"), (12_884, "12,884"), (999_999, "999,999"), (1_000_000, "1.0M"),
            (999_949_999, "999.9M"), (2_000_000_000, "2.0G"),
        ] as [(UInt64, String)])
    func `of things fit seven characters`(count: UInt64, text: String) {
        #expect(Format.count(count) == text)
    }

    init() { setlocale(LC_CTYPE, "C.UTF-8") }

    @Test func `of a graph in dots stand two in a character`() {
        #expect(Sparkline.text([0, 1, 2, 3], width: 3, .braille) == " ⣠⣾")
        #expect(Sparkline.text([3, 0, 3], width: 2, .braille) == "⢸⣸")
    }

    @Test func `of graphs with one scale can be compared`() {
        #expect(Sparkline.text([1, 1, 2], width: 3, .unicode, top: 8) == "▂▂▃")
        #expect(Sparkline.text([16], width: 1, .unicode, top: 8) == "█")
    }

    @Test(arguments: [
        (0.0, "", "────"), (0.001, "╸", "───"), (0.5, "━━", "──"), (0.63, "━━╸", "─"),
        (1, "━━━━", ""), (7, "━━━━", ""), (-1, "", "────"), (.nan, "", "────"),
    ])
    func `of a share are a line, to half a column`(share: Double, done: String, toCome: String) {
        #expect(Sparkline.line(share, width: 4, .unicode) == (done, toCome))
    }

    @Test func `of a graph reach the top at the largest and the bottom at none`() {
        #expect(Sparkline.text([0, 1, 4, 8], width: 6, .unicode) == "  ▁▂▅█")
        #expect(Sparkline.text([0, 0], width: 2, .unicode) == "▁▁")
        #expect(Sparkline.text([1, 2, 3], width: 2, .ascii) == "=#")
        #expect(Sparkline.gauge(0.5, width: 4, .ascii) == "##..")
        #expect(Sparkline.gauge(7, width: 4, .ascii) == "####")
    }
}
