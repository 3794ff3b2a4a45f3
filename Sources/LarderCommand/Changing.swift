import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderSocket

/// How a change is made: never without its plan having been seen, or waved through by name.
struct ChangingOptions: ParsableArguments {
    @Flag(help: "Print what would be done, and do nothing.")
    var dryRun = false

    @Flag(help: "Do it without asking.")
    var yes = false

    @Option(help: "Why; it stands in the engine's events.")
    var reason: String?

    @Option(help: "The name of a protected cache, to confirm that it is meant.")
    var confirm: String?

    @OptionGroup
    var output: FormatOption

    /// Plans, asks and applies. A format for programs has one result: of a dry run the plan, else
    /// what came of it.
    ///
    /// - Parameter seen: The bounds that the new ones were made from.
    func make(
        _ change: Change, on inspector: RemoteInspector, _ from: Source,
        seen: Configuration? = nil
    ) async throws {
        if !dryRun { try await inspector.checkMayChange() }
        let plan = try await inspector.plan(change)
        if case .configure(let cache, _) = change, let seen, plan.before != seen {
            throw InspectorError(
                "the bounds of \(cache) were changed just now by someone else; look and try again")
        }
        for skipped in plan.skipped {
            say("left alone: \(skipped.id.key), \(skipped.why)")
        }
        if plan.unnamed > 0 { say("left alone: \(plan.unnamed) more") }
        let isText = output.format == .text
        if isText { show(plan) }
        if dryRun {
            guard !isText else { return }
            let header = ["cause", "cache", "key", "version", "bytes"]
            return output.print(
                plan, header,
                plan.victims.map { victim in
                    [
                        victim.cause.rawValue, victim.id.cache, victim.id.key,
                        "\(victim.version)", "\(victim.bytes)",
                    ]
                }, from)
        }
        if isText, plan.entries == 0, plan.before == change.bounds {
            return Output.print("nothing to do")
        }
        if !yes {
            guard isatty(0) == 1 else {
                say("nothing was changed: there is no terminal to ask at; --yes does it")
                throw Ending(status: 1)
            }
            // Nobody answers a question that cannot be read, or about a plan that cannot.
            guard Output.flush(), Notes.write("do it? [y/N] "),
                ["y", "yes"].contains(readLine()?.lowercased() ?? "")
            else {
                say("nothing was changed")
                throw Ending(status: 1)
            }
        }
        let outcome = try await inspector.apply(
            plan.id, Application(confirmation: confirm), by: Actor("larder", reason: reason))
        for skipped in outcome.skipped {
            say("left alone: \(skipped.id.key), \(skipped.why)")
        }
        if let warning = outcome.warning { say("warning: \(warning)") }
        let leftAlone = outcome.skipped.count + outcome.unnamed
        let done =
            "done: \(outcome.removed - outcome.forgotten) removed, "
            + "\(Units.text(bytes: outcome.bytes)) freed"
            + (outcome.forgotten == 0
                ? ""
                : ", \(outcome.forgotten) \(outcome.forgotten == 1 ? "failure" : "failures") "
                    + "forgotten")
            + (leftAlone == 0 ? "" : ", \(leftAlone) left alone")
        if isText {
            Output.print(done)
        } else {
            output.print(
                Done(plan: plan.id, outcome: outcome),
                ["plan", "removed", "forgotten", "bytes", "left alone"],
                [
                    [
                        plan.id, "\(outcome.removed)", "\(outcome.forgotten)",
                        "\(outcome.bytes)", "\(leftAlone)",
                    ]
                ],
                from)
        }
        // It is done, whoever can be told.
        if !Output.flush() { say(done) }
        if plan.before != nil || outcome.removed > outcome.forgotten && !change.isSoft {
            say("to take it back: larder undo \(plan.id)")
        }
    }

    private struct Done: Encodable {
        var plan: Plan.ID
        var outcome: Outcome
    }

    private func show(_ plan: Plan) {
        if case .configure(let cache, let new) = plan.change, let before = plan.before {
            let differences = new.differences(from: before)
            Output.print(
                "\(PlainText.fit(cache)): \(differences.isEmpty ? "nothing changes" : differences)")
        }
        let held = plan.entries - plan.failures
        let entries = held == 1 ? "1 entry" : "\(held) entries"
        Output.print(
            "plan: \(entries) to go, \(Units.text(bytes: plan.bytes)), \(plan.fetches) fetches to "
                + "have them back within a minute"
                + (plan.perMinute.map { ", then about \($0) a minute" } ?? ""))
        for victim in plan.victims.prefix(10) {
            Output.print(
                PlainText.fit("  \(victim.cause.rawValue)  \(victim.id.cache)  \(victim.id.key)"))
        }
        if plan.failures > 0 {
            let failures = plan.failures == 1 ? "1 failure" : "\(plan.failures) failures"
            Output.print("  among these \(failures) remembered, to be forgotten")
        }
        if let note = plan.undoNote() { Output.print("  " + note) }
        if plan.entries > 10 { Output.print("  and \(plan.entries - 10) more") }
    }
}

extension RemoteInspector {
    /// Said at once and in words, where nobody may: the paths for it are not even there.
    func checkMayChange() async throws {
        guard try await report().isReadOnly else { return }
        throw InspectorError("\(place.name) lets nobody change anything")
    }
}

extension Change {
    fileprivate var bounds: Configuration? {
        if case .configure(_, let bounds) = self { bounds } else { nil }
    }

    fileprivate var isSoft: Bool { if case .soften = self { true } else { false } }
}

struct Invalidate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invalidate", abstract: "Invalidate entries of a running engine.",
        discussion: """
            Examples:
              larder invalidate accounts 100000000001
              larder invalidate accounts --filter 0001 --dry-run
              larder invalidate credentials --all --yes --reason "keys were leaked"
            """)

    @Argument(help: "The cache.")
    var cache: String

    @Argument(help: "The keys, as they are shown.")
    var keys: [String] = []

    @Option(
        help: "Every entry that passes: part of a key, or comparisons such as 'age>1h'.",
        transform: parsed("--filter") { try readable(filter: $0) })
    var filter: String?

    @Flag(help: "Every entry of the cache.")
    var all = false

    @Flag(help: "Serve each until a fetch for it has landed.")
    var soft = false

    @OptionGroup
    var changing: ChangingOptions

    @OptionGroup
    var target: Target

    func validate() throws {
        if let filter, filter.allSatisfy(\.isWhitespace) {
            throw ValidationError("--filter is empty, which everything passes; --all says that")
        }
        guard [!keys.isEmpty, filter != nil, all].count(where: { $0 }) == 1 else {
            throw ValidationError("name keys, or --filter, or --all: one of them")
        }
        guard !(all && soft) else { throw ValidationError("--soft goes with keys or --filter") }
    }

    func run() async throws {
        try await target.each(changing.output.format, reason: changing.reason) { inspector, from in
            let change: Change
            if all {
                change = .invalidateAll(cache: cache)
            } else {
                var seen = keys.map { SeenEntry(id: EntryKey(cache: cache, key: $0), version: nil) }
                if let filter {
                    seen = try await inspector.matching(Query(caches: [cache], filter: filter))
                }
                change = soft ? .soften(seen) : .invalidate(seen)
            }
            try await changing.make(change, on: inspector, from)
        }
    }
}

struct Undo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo", abstract: "Take back what a plan did to a running engine.",
        discussion: """
            Bounds go back unless they were changed since; invalidated entries for 30 seconds, \
            unless they were written since. Credentials never come back. larder changes lists the \
            plans.
            """)

    @Argument(help: "The plan's id.")
    var plan: String

    @Option(help: "Why; it stands in the engine's events.")
    var reason: String?

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func run() async throws {
        try await target.each(output.format, reason: reason) { inspector, from in
            try await inspector.checkMayChange()
            let known = try? await inspector.plan(known: plan)
            let outcome = try await inspector.undo(plan, by: Actor("larder", reason: reason))
            if let warning = outcome.warning { say("warning: \(warning)") }
            let bounds = known?.before == nil ? "" : "the bounds are as they were, "
            let entries = outcome.restored == 1 ? "1 entry is" : "\(outcome.restored) entries are"
            let why =
                outcome.restored == 0 && bounds.isEmpty
                ? ": they come back for 30s, unless fetched anew since; credentials never do" : ""
            let undone = "undone: \(bounds)\(entries) back\(why)"
            if output.format == .text {
                Output.print(undone)
            } else {
                output.print(outcome, ["restored"], [["\(outcome.restored)"]], from)
            }
            if !Output.flush() { say(undone) }
        }
    }
}

struct SetBounds: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Change the bounds of a cache of a running engine.",
        discussion: """
            Examples:
              larder set accounts maxsize=128 ttl=10m
              larder set accounts policy=tinylfu --dry-run
            """)

    @Argument(help: "The cache.")
    var cache: String

    @Argument(
        help:
            "maxsize=N, maxbytes=SIZE, ttl=DURATION, jitter=SHARE, policy=NAME, stale=, negative=.")
    var bounds: [String]

    @OptionGroup
    var changing: ChangingOptions

    @OptionGroup
    var target: Target

    private func option() throws -> CacheOption {
        do {
            return try CacheOption(
                parsing: "\(cache):\(bounds.joined(separator: ","))", names: nil)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    func validate() throws { _ = try option() }

    func run() async throws {
        let option = try option()
        try await target.each(changing.output.format, reason: changing.reason) { inspector, from in
            let report = try await inspector.report()
            guard let found = report.caches.first(where: { $0.name.isExactly(cache) }) else {
                throw InspectorError(
                    "no cache is called \"\(cache)\"; there are "
                        + report.caches.map(\.name).joined(separator: ", "))
            }
            let new = option.applied(to: found.snapshot.configuration)
            try await changing.make(
                .configure(cache: cache, to: new), on: inspector, from,
                seen: found.snapshot.configuration)
        }
    }
}
