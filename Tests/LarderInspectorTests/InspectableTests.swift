import Foundation
import Larder
import LarderInspector
import Testing

@Suite struct InspectableTests {
    @Test func `what services hold is shown as it is`() {
        #expect(7.shown == .number("7"))
        #expect(UInt64.max.shown == .number("18446744073709551615"))
        #expect(0.5.shown == .number("0.5"))
        #expect(Double.nan.shown == .text("nan"))
        #expect(true.shown == .bool(true))
        #expect(Date(timeIntervalSince1970: 0.25).shown == .text("1970-01-01T00:00:00.250Z"))
        #expect(Int?.none.shown == .null)
        #expect([1, nil].shown == .list([.number("1"), .null]))
        #expect(Set(["b", "a"]).shown == .list([.text("a"), .text("b")]))
        #expect(
            ["b": 1, "a": 2].shown == .fields([.init("a", .number("2")), .init("b", .number("1"))]))
        #expect(
            URL(string: "https://ann:secret@host/path?token=secret#x")?.shown
                == .text("https://host/path?…"))
    }

    @Test func `what is shown is written as literals`() {
        let name = "Annabel"
        let shown: Shown = [
            "name": "\(name)", "age": 41, "ratio": 0.5, "open": true, "tags": ["a", "b"],
            "token": .masked,
        ]
        #expect(
            shown
                == .fields([
                    .init("name", .text("Annabel")), .init("age", .number("41")),
                    .init("ratio", .number("0.5")), .init("open", .bool(true)),
                    .init("tags", .list([.text("a"), .text("b")])),
                    .init("token", .text("(masked)")),
                ]))
    }

    @Test func `caches of one name are told apart by a number`() async throws {
        let first = memoized { (number: Int) in number }
        let second = memoized { (number: Int) in number }
        #expect(first.cache.name != second.cache.name)
        let inspector = LocalInspector("service")
        for _ in 0..<3 { inspector.add(Cache<Int, Int>("twice")) }
        #expect(try await inspector.report().caches.map(\.name) == ["twice", "twice-2", "twice-3"])
    }

    @Test func `a result is forgotten by the arguments of its call`() {
        let sum = memoized { (a: Int, b: Int) in a + b }
        #expect(sum(1, 2) == 3)
        sum.invalidate(1, 2)
        #expect(sum(1, 2) == 3)
        #expect(sum.cacheInfo.misses == 2)
    }

    private struct Person: Hashable, Sendable {
        var name: String
    }

    private enum Rejection: Error {
        case of(Person)
    }

    private struct Broken: Error {
        var person = Person(name: "Annabel")
    }

    @Test func `what a key and an error hold is seen by nobody unless they say so`() async throws {
        let people = Cache<Person, Int>("people") { _ in throw Broken() }
        let inspector = LocalInspector("service")
        inspector.add(people, key: { _ in "a person" })
        _ = try? await people.value(for: Person(name: "Annabel"))
        let report = try await inspector.report()
        let told = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        let log = try await inspector.events(in: "people", after: 0, limit: 10)
        #expect(!told.contains("Annabel"))
        #expect(!"\(log)".contains("Annabel"))
        #expect(Refresh.usualWords(Rejection.of(Person(name: "Annabel"))) == "Rejection.of")
        #expect(Refresh.usualWords(Broken()) == "Broken")
    }
}
