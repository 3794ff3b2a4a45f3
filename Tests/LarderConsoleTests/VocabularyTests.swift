import Foundation
import Larder
import LarderInspector
import Testing

@testable import LarderConsole

/// One thing that happened has one word, wherever it is told.
@Suite struct `The words of events` {
    /// One event of each kind there is.
    static let kinds: [EventKind] = {
        let bounds = CacheConfiguration(maxsize: 1, ttl: nil)
        return RemovalCause.allCases.map {
            .removed($0, version: 7, age: .seconds(3), hits: 2)
        } + [
            .written(version: 7, took: .milliseconds(31), bytes: 276),
            .failed(took: .seconds(1), kind: .throttled, reason: "slow down"),
            .failed(took: .seconds(1), kind: .absent, reason: "no such thing"),
            .oversized(bytes: 276),
            .softened(version: 7), .restored(version: 7), .forgotten(failures: 3, refusals: 12),
            .configured(from: bounds, to: CacheConfiguration(maxsize: 2, ttl: nil)),
        ]
    }()

    private func event(_ kind: EventKind) -> LoggedEvent {
        LoggedEvent(
            cache: "accounts", number: 1, at: at(1000), key: "k", kind: kind,
            by: Operator("ann", reason: "a deploy"))
    }

    @Test func `are of trouble where something failed, and not where it is absent`() {
        for kind in Self.kinds {
            var lines = EventLines()
            lines.add(event(kind))
            let isTrouble = [.failed, .oversized].contains(kind.word)
            #expect(lines.lines.last.map(\.isTrouble) ?? false == isTrouble, "\(kind.word)")
        }
    }

    @Test func `are the same on screen, in JSON and in filters, each for one thing`() throws {
        #expect(Set(Self.kinds.map(\.word)) == Set(EventKind.Word.allCases))
        #expect(Self.kinds.count == EventKind.Word.allCases.count)
        for kind in Self.kinds {
            let event = event(kind)
            let word = kind.word.rawValue
            for alone in [true, false] {
                #expect(EventLines.words(event, alone: alone).word == word)
            }
            let json = try Shown(json: Array(PlainJSON.encode(event)))
            let fields = if case .fields(let fields) = json { fields } else { [] as [Shown.Field] }
            #expect(fields.first { $0.name == "kind" }?.value == .text(word))
            for other in EventKind.Word.allCases {
                let passes = try EntryFilter("state=\(other.rawValue)").passes(event, at: at(1000))
                #expect(passes == (other == kind.word), "\(word) \(other)")
            }
            // A word that is looked for finds it too.
            #expect(try EntryFilter(word).passes(event, at: at(1000)))
        }
    }

    @Test func `are followed by the same note, less what differs where several are one line`() {
        for kind in Self.kinds {
            let note = EventLines.words(event(kind)).note
            #expect(note == kind.note(arrow: "→") + ", by ann \"a deploy\"")
            let common = EventLines.words(event(kind), alone: false).note
            #expect(common.hasSuffix("by ann \"a deploy\""))
            #expect(kind.note().hasPrefix(kind.commonNote()))
            #expect(!common.contains("version"))
        }
        let notes = Self.kinds.map { $0.note() }
        #expect(notes.contains("version 7, 276 B, fetched in 31ms"))
        #expect(notes.contains("version 7, 3s old, 2 hits"))
        #expect(notes.contains("slow down, after 1.0s"))
        #expect(notes.contains("3 failures in a row, 12 look-ups told"))
        #expect(notes.contains("maxsize 1 -> 2 entries"))
        #expect(
            EventKind.written(version: 1, took: nil, bytes: 1).note()
                == "version 1, 1 B, inserted")
    }
}
