import CNcurses
import Foundation
import Larder
@testable import LarderInspector
import TestSupport
import Testing

@testable import LarderConsole

/// How rows look: what stands where, and that it stays there.
@Suite struct `The rows` {
    private func heading(_ model: Model) -> String {
        let line = render(model).text.first { $0.contains("KEY") } ?? ""
        return String(line.prefix(upTo: line.range(of: "STATE")?.upperBound ?? line.endIndex))
    }

    @Test func `have a key's column as wide as the longest key, wherever there is room`() {
        for columns in [80, 120, 200] {
            let text = heading(model(columns, 40))
            let key = try! #require(text.firstIndex(of: "K"))
            let cache = try! #require(text.range(of: "CACHE"))
            #expect(text.distance(from: key, to: cache.lowerBound) == 19 + 2)
        }
    }

    @Test func `do not move when keys, figures and words become shorter or longer`() {
        for columns in [80, 120, 200] {
            var model = model(columns, 40)
            let before = heading(model)
            let other = [
                account("1", left: 3, hits: 999_999), account("22", left: 90_000, ttl: 100_000),
                credential("3/r", left: 7000, hits: 1_000_000),
            ]
            for number in 1...other.count {
                let seen = look(
                    model, Array(other.prefix(number)), report(seconds: Double(number)))
                _ = update(&model, seen)
                #expect(heading(model) == before)
            }
            // A longer key has the column grow, and it stays so.
            _ = update(
                &model,
                look(model, [account("100000000001/reader-of-a", left: 9)], report(seconds: 5)))
            let grown = heading(model)
            _ = update(&model, look(model, rows, report(seconds: 6)))
            #expect(heading(model) == grown)
        }
    }

    @Test func `show what is left of a life and the share of the hits where there is room`() {
        var model = model(200, 60)
        let text = render(model).text
        let first = text.first { $0.contains("│>  100000000001") }!
        // 4.2 of 300 seconds, and nearly all hits there are.
        #expect(first.contains("    5s ╸─────── "))
        #expect(first.contains("12,884 ━━━━━━━━ "))
        #expect(text.first { $0.contains(" 100000000002 ") }!.contains("     0 ──────── "))
        model.glyphs = .ascii
        #expect(render(model).text.contains { $0.contains("    5s -....... ") })
        #expect(!heading(LarderConsoleTests.model(80, 24)).contains("─"))
    }

    @Test func `tell last hit, fetches, size and the turn to go`() {
        var row = account("100000000001", left: 60, hits: 3)
        row.fetchRate = 3.0 / 60
        row.toGo = 2
        var model = model(200, 60, [row])
        #expect(heading(model).contains("  LAST HIT     SIZE  FETCHES/S  STATE"))
        #expect(
            render(model).text.contains { $0.contains("        2s    402 B       0.05  fresh") })
        // What is sorted by is never left out.
        model.query.sort = .togo
        #expect(heading(model).contains("  TO GO▲"))
        #expect(render(model).text.contains { $0.contains("       2  fresh") })
        #expect(heading(LarderConsoleTests.model(80, 24)).contains("TTL▲"))
    }

    @Test func `of misses are drawn on the scale of the look-ups`() {
        var model = Model(size: Size(columns: 80, rows: 24), glyphs: .unicode)
        setlocale(LC_CTYPE, "C.UTF-8")
        for second in 0...3 {
            let engine = report(
                seconds: Double(second), hits: UInt64(90 * second), misses: UInt64(10 * second))
            _ = update(&model, look(model, rows, engine))
        }
        model.size = Size(columns: 120, rows: 40)
        let text = render(model).text
        #expect(text[2].contains("███") && !text[3].contains("█"))
        #expect(text[3].contains("▂▂▂"))
    }

    @Test func `are counted with their unit, and the ratio says of when it is`() {
        let title = render(model(120, 40)).text[0]
        #expect(title.contains("hit 1m 90.9%"))
        #expect(title.contains("  3 entries, 9.2 KiB  "))
        #expect(title.contains("process 40 MiB of 512 MiB"))
    }
}

@Suite struct `Changes` {
    @Test(arguments: [
        (GlyphTier.blocks, "ttl 2m → 5m"), (.braille, "ttl 2m → 5m"), (.ascii, "ttl 2m -> 5m"),
    ])
    func `have an arrow as the screen can show it`(tier: GlyphTier, text: String) {
        setlocale(LC_CTYPE, "C.UTF-8")
        var model = model(120, 40, glyphs: Glyphs(tier))
        let (old, new) = (
            CacheConfiguration(maxsize: 64, ttl: .seconds(120)),
            CacheConfiguration(maxsize: 64, ttl: .seconds(300))
        )
        let event = LoggedEvent(
            cache: "accounts", number: 1, at: at(1001), key: nil,
            kind: .configured(from: old, to: new),
            by: nil)
        _ = update(&model, look(model, rows, report(seconds: 1), events: [event]))
        #expect(render(model).text.contains { $0.contains(text) })
        let record = ChangeRecord(
            at: at(1002), plan: "77aa", what: .applied, by: Operator("ops"),
            bounds: [.init(cache: "accounts", before: old, after: new)], entries: [], .nothing,
            failure: nil)
        _ = update(&model, .changed(record))
        #expect(render(model).text.contains { $0.contains("ops: accounts \(text)") })
        _ = press(&model, .char("5"))
        #expect(render(model).text.contains { $0.contains("accounts \(text)") })
    }
}

@Suite struct `The line of a life` {
    private func line(_ glyphs: Glyphs = .unicode, _ change: (inout EntryRow) -> Void = { _ in })
        -> [String]
    {
        setlocale(LC_CTYPE, "C.UTF-8")
        var row = account("a", left: 150, hits: 3)
        row.lastHit = at(940)
        change(&row)
        let events = [
            LoggedEvent(
                cache: "accounts", number: 1, at: at(850), key: "a",
                kind: .written(version: 1, took: .zero, bytes: 1), by: nil)
        ]
        let life = LifeLine(row, events, at: at(1000), width: 31, glyphs)
        return life?.lines { "\(Int($0.nanoseconds / 1_000_000_000))" }.map { pieces in
            pieces.map(\.text).joined()
        } ?? []
    }

    @Test func `shows when it was written, used, and will end`() {
        #expect(
            line() == [
                "●━━━━━━━━○─────│┄┄┄┄┄┄┄┄┄┄┄┄┄┄┤", "850                        1150",
                "● written  ○ last hit  ┤ end  │ now",
            ])
        #expect(line(.ascii)[0] == "*========o-----|..............]")
    }

    @Test func `goes back to writes before the present one`() {
        let lines = line { row in
            row.writtenAt = at(925)
            row.lastHit = nil
            row.version = 2
        }
        #expect(lines[0] == "●───────●──────│┄┄┄┄┄┄┄┄┄┄┄┄┄┄┤")
    }

    @Test func `has no end where the entry has none, and is not there for a failure`() {
        #expect(line { $0.deadline = nil }[0].hasSuffix("│"))
        #expect(line { $0.version = 0 }.isEmpty)
    }

    @Test func `can be drawn whatever the instants are`() {
        var random = Fuzz.random("lines of lives")
        func instant() -> AgeInstant {
            let near = Int64.random(in: 0...2_000_000_000_000, using: &random)
            return AgeInstant(
                nanoseconds: Bool.random(using: &random) ? near : Fuzz.integer(using: &random))
        }
        for _ in 0..<Fuzz.count / 4 {
            var row = account("a", left: 150, hits: 3)
            (row.writtenAt, row.lastHit) = (instant(), instant())
            row.deadline = Bool.random(using: &random) ? instant() : nil
            let events = (0..<5).map { number in
                LoggedEvent(
                    cache: "accounts", number: number, at: instant(), key: "a",
                    kind: .restored(version: 1), by: nil)
            }
            let width = Int.random(in: 0...120, using: &random)
            guard let life = LifeLine(row, events, at: instant(), width: width, .unicode) else {
                continue
            }
            #expect(life.lines { _ in "12:00:00" }[0].count == width)
        }
    }

    @Test func `stands in the detail`() {
        var model = model(120, 40)
        model.detail = detail
        let text = render(model).text
        #expect(text.contains { $0.contains("│ ●━") })
        #expect(text.contains { $0.contains("● written") })
    }
}

@Suite struct `The memory` {
    private func lines(_ change: (inout EngineReport) -> Void) -> [String] {
        var model = model(120, 40)
        var engine = report(seconds: 1)
        change(&engine)
        _ = update(&model, look(model, rows, engine))
        _ = press(&model, .char("6"))
        return render(model).text.map { String($0.drop { " │".contains($0) }) }
    }

    @Test func `names its biggest part, or says why it cannot`() {
        func biggest(_ memory: ProcessMemory) -> String {
            lines { $0.memory = memory }.first { $0.hasPrefix("biggest") } ?? ""
        }
        #expect(
            biggest(ProcessMemory(resident: 40 << 20, mapped: 30 << 20))
                .hasPrefix("biggest     program  code of the program and its libraries"))
        #expect(
            biggest(ProcessMemory(resident: 40 << 20, mapped: 10 << 20))
                .hasPrefix("biggest    the rest  the service's own: nobody tells"))
        #expect(
            biggest(ProcessMemory()).hasPrefix("biggest   not known: the system does not say"))
        #expect(
            biggest(ProcessMemory(resident: 9000, mapped: 100)).hasPrefix("biggest     entries"))
    }

    @Test func `has its figures under each other`() {
        let lines = lines { $0.memory = ProcessMemory(resident: 40 << 20, limit: 512 << 20) }
        func end(_ name: String, _ figure: String) -> Int? {
            lines.first { $0.hasPrefix(name) }.flatMap { line in
                line.range(of: figure).map {
                    line.distance(from: line.startIndex, to: $0.upperBound)
                }
            }
        }
        #expect(end("entries", "9.2 KiB") == end("limit", "512 MiB"))
        #expect(end("limit", "512 MiB") == end("growth", " -"))
        #expect(end("the rest", "40 MiB") == end("limit", "512 MiB"))
    }

    @Test func `of this process is told in parts`() throws {
        let memory = ProcessMemory.current()
        let (resident, mapped) = (try #require(memory.resident), try #require(memory.mapped))
        #expect(0 < mapped && mapped < resident)
    }
}
