import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

struct Undo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo", abstract: "Take back what a plan did to a running engine.",
        discussion: """
            Bounds go back unless they were changed since; invalidated entries for 30 seconds, \
            unless they were written since. Credentials never come back. larder changes lists the \
            plans.
            """)

    @Argument(help: "The plan's id, as larder changes lists it.")
    var plan: String

    @OptionGroup
    var changing: ChangingOptions

    @OptionGroup
    var target: Target

    func run() async throws {
        try await target.each(changing.output.format, reason: changing.reason) { inspector, from in
            try await undo(on: inspector, from)
        }
    }

    private func undo(on inspector: RemoteInspector, _ from: Source) async throws {
        if !changing.dryRun { try await inspector.checkMayChange() }
        // What is marked as stale does not come back; the marking can be stopped.
        let changes = try await inspector.changes(after: 0)
        if changes.last(where: { $0.plan == plan })?.what == .began,
            changes.contains(where: { $0.plan == plan && $0.isSoft })
        {
            return try await stop(on: inspector, from)
        }
        let undoing = try await inspector.plan(undoing: plan)
        let isText = changing.output.format == .text
        if isText { show(undoing) }
        if changing.dryRun {
            guard !isText else { return }
            return changing.output.print(fields(undoing), from)
        }
        try changing.ask()
        let outcome = try await inspector.undo(
            plan, by: Operator("larder", reason: changing.reason))
        if let warning = outcome.warning { say("warning: \(warning)") }
        let undone = words(outcome, hasBounds: !undoing.boundsBack.isEmpty)
        if isText {
            Output.print(undone)
        } else {
            changing.output.print(
                [
                    Field("plan", plan), Field("restored", count: outcome.restored),
                    Field("removed", count: outcome.removed), Field("bytes", bytes: outcome.bytes),
                    Field("warning", outcome.warning),
                ], from)
        }
        if !Output.flush() { say(undone) }
    }

    private func stop(on inspector: RemoteInspector, _ from: Source) async throws {
        if changing.dryRun { return Output.print("plan: it is stopped; nothing comes back") }
        try changing.ask()
        let progress = try await inspector.cancel(
            plan, by: Operator("larder", reason: changing.reason))
        let marked = Units.counted(progress.outcome.removed, "entry", "entries")
        guard changing.output.format == .text else {
            return changing.output.print(
                [
                    Field("plan", plan), Field("restored", count: 0), Field("removed", count: 0),
                    Field("softened", count: progress.outcome.removed),
                ], from)
        }
        Output.print("stopped: \(marked) marked as stale until then")
    }

    private func show(_ undoing: Plan) {
        for words in undoing.boundsBack { Output.print(PlainText.fit(words)) }
        // Of bounds alone nothing more is to be said.
        let back = undoing.takesBack.flatMap { back in
            back.entries == 0 && !undoing.boundsBack.isEmpty
                ? nil : "\(Units.counted(back.entries, "entry comes", "entries come")) back at most"
        }
        let gone = undoing.entries > 0 ? "\(undoing.effect) for it" : nil
        let words = [back, gone].compactMap(\.self).joined(separator: "; ")
        if !words.isEmpty { Output.print("plan: " + words) }
        if let forecast = undoing.forecast { Output.print("  foreseen: \(forecast)") }
        undoing.printVictims()
        for problem in undoing.takesBack?.problems ?? [] {
            Output.print(PlainText.fit("  \(problem)"))
        }
    }

    private func fields(_ undoing: Plan) -> [Field] {
        [
            Field("plan", undoing.id), Field("restored", count: undoing.takesBack?.entries ?? 0),
            Field("removed", count: undoing.entries), Field("bytes", bytes: undoing.bytes),
            Field("bounds", undoing.boundsBack.joined(separator: "; ")),
            Field("problems", undoing.takesBack?.problems.joined(separator: "; ")),
        ]
    }

    private func words(_ outcome: Outcome, hasBounds: Bool) -> String {
        let bounds = hasBounds ? "the bounds are as they were, " : ""
        let why =
            outcome.restored == 0 && !hasBounds
            ? ": they come back for \(Units.text(Plan.undoWindow)), unless fetched again since, and "
                + "where there is room; credentials never do" : ""
        let gone =
            outcome.removed == 0
            ? "" : ", \(Units.counted(outcome.removed, "entry", "entries")) had to go for it"
        return "undone: \(bounds)\(Units.counted(outcome.restored, "entry is", "entries are")) back"
            + "\(gone)\(why)"
    }
}

extension Plan {
    /// Of a plan that takes another back, the bounds that go back, in words.
    fileprivate var boundsBack: [String] {
        let changes = if case .all(let changes) = change { changes } else { [change] }
        return changes.compactMap { change in
            guard case .configure(let cache, let old) = change else { return nil }
            return "\(cache): " + (before.map(old.differences) ?? "its bounds go back")
        }
    }
}
