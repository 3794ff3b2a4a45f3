import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

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
    /// - Parameters:
    ///   - seen: The bounds that the new ones were made from.
    ///   - pace: Over how long it is spread.
    ///   - lasting: After how long bounds go back.
    func make(
        _ change: Change, on inspector: RemoteInspector, _ from: Source,
        seen: CacheConfiguration? = nil, pace: PaceOptions, lasting: Duration? = nil
    ) async throws {
        if !dryRun { try await inspector.checkMayChange() }
        let plan = try await inspector.plan(change)
        if case .configure(let cache, _) = change, let seen, plan.before != seen {
            throw InspectorError(
                "the bounds of \(cache) were changed just now by someone else; look and try again")
        }
        for words in plan.skipped.inShort(unnamed: plan.unnamed) { say("left alone: \(words)") }
        let isText = output.format == .text
        let how = PlanApplication(
            spread: pace.spread(of: plan), lasting: lasting, confirmation: confirm)
        if isText { try await show(plan, how, on: inspector) }
        if dryRun {
            if !isText { tell(plan, how, from) }
            return
        }
        if isText, plan.entries == 0, plan.before == change.bounds {
            return Output.print("nothing to do")
        }
        try ask()
        let actor = Operator("larder", reason: reason)
        var outcome = try await inspector.apply(plan.id, how, by: actor)
        if let spread = how.spread {
            let back =
                change.isSoft
                ? "; larder undo \(plan.id) stops it"
                : "; larder undo \(plan.id) stops it and takes it back"
            say("under way for \(Units.text(spread)), in the engine\(back)")
            outcome = try await end(of: plan.id, on: inspector)
        }
        tell(outcome, of: plan, from)
        if plan.before != nil || outcome.removed > outcome.forgotten && !change.isSoft {
            let back = lasting.map { "the bounds go back in \(Units.text($0)); " } ?? ""
            say("\(back)to take it back: larder undo \(plan.id)")
        }
    }

    /// - Throws: ``Ending`` with 1 where nothing is to be done.
    func ask() throws {
        guard !yes else { return }
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

    /// Waits for the end of what is spread over some time.
    private func end(of plan: Plan.ID, on inspector: RemoteInspector) async throws -> Outcome {
        while true {
            let progress = try await inspector.progress(of: plan)
            switch progress.state {
            case .underWay: try await Task.sleep(for: .milliseconds(200))
            case .done: return progress.outcome
            case .failed(let why): throw InspectorError(why)
            case .cancelled, .undone:
                throw InspectorError(
                    "stopped by someone else, with \(progress.outcome.removed) "
                        + (progress.outcome.softened > 0 ? "marked as stale" : "removed"))
            }
        }
    }

    private func tell(_ outcome: Outcome, of plan: Plan, _ from: Source) {
        for words in outcome.skipped.inShort(unnamed: outcome.unnamed) {
            say("left alone: \(words)")
        }
        if let warning = outcome.warning { say("warning: \(warning)") }
        let leftAlone = outcome.skipped.count + outcome.unnamed
        let isSoft = plan.change.isSoft
        let done =
            "done: " + plan.newBounds
            + (isSoft
                ? "\(outcome.removed) marked as stale"
                : "\(outcome.removed - outcome.forgotten) removed"
                    + (outcome.removed == outcome.forgotten
                        ? "" : ", \(Units.words(bytes: outcome.bytes)) freed"))
            + (outcome.forgotten == 0
                ? "" : ", \(Units.counted(outcome.forgotten, "failure")) forgotten")
            + (leftAlone == 0 ? "" : ", \(leftAlone) left alone")
        if output.format == .text {
            Output.print(done)
        } else {
            output.print(
                [
                    Field("plan", plan.id), Field("removed", count: isSoft ? 0 : outcome.removed),
                    Field("softened", count: isSoft ? outcome.removed : 0),
                    Field("forgotten", count: outcome.forgotten),
                    Field("bytes", bytes: outcome.bytes), Field("leftAlone", count: leftAlone),
                    Field("warning", outcome.warning),
                ], from)
        }
        // It is done, even if that could not be printed: it is said on standard error then.
        if !Output.flush() { say(done) }
    }

    private func show(
        _ plan: Plan, _ how: PlanApplication, on inspector: RemoteInspector
    ) async throws {
        var consequences: [String] = []
        let report = try await inspector.report()
        if case .configure(let cache, let new) = plan.change, let before = plan.before {
            let differences = new.differences(from: before)
            Output.print(
                "\(PlainText.fit(cache)): \(differences.isEmpty ? "nothing changes" : differences)")
            let found = report.caches.first { $0.name.isExactly(cache) }
            consequences = plan.consequences(held: found?.snapshot.count ?? 0)
        }
        let parts = [
            plan.effect, plan.cost, how.spread.map { "spread over \(Units.text($0))" },
            how.lasting.map { "the bounds go back after \(Units.text($0))" },
        ]
        Output.print("plan: " + parts.compactMap(\.self).joined(separator: "; "))
        let echo = plan.echo(isSpread: how.spread != nil) { name in
            report.caches.first { $0.name.isExactly(name) }?.snapshot.configuration
        }
        for consequence in consequences + [echo].compactMap(\.self) {
            Output.print("  \(consequence)")
        }
        if let forecast = plan.forecast { Output.print("  foreseen: \(forecast)") }
        plan.printVictims()
        if plan.failures > 0 {
            Output.print(
                "  among these \(Units.counted(plan.failures, "failure")) remembered, to be forgotten"
            )
        }
        if let note = plan.undoNote(spread: how.spread) { Output.print("  " + note) }
    }

    /// A plan for programs: in CSV what would go, a line each.
    private func tell(_ plan: Plan, _ how: PlanApplication, _ from: Source) {
        let victims = plan.victims.map { victim in
            [
                Field("cause", victim.cause.rawValue), Field("cache", victim.id.cache),
                Field("key", victim.id.key), Field("version", count: victim.version),
                Field("size", bytes: victim.bytes),
            ]
        }
        guard output.format == .json else {
            return output.print(victims, ["cause", "cache", "key", "version", "size"], from)
        }
        var differences: String?
        if case .configure(_, let new) = plan.change, let before = plan.before {
            differences = new.differences(from: before)
        }
        let document = [
            Field("plan", plan.id), Field("entries", count: plan.entries),
            Field("failures", count: plan.failures),
            Field("bytes", bytes: plan.bytes), Field("fetches", count: plan.fetches),
            Field("perMinute", plan.perMinute.map { .number("\($0)") } ?? .null),
            Field("bounds", differences), Field("effect", plan.effect),
            Field("spread", number: how.spread?.inSeconds),
            Field("undo", plan.undoNote(spread: how.spread)),
            Field("lasting", number: how.lasting?.inSeconds),
            Field("leftAlone", count: plan.skipped.count + plan.unnamed),
            Field("protected", .list(plan.protected.map { .text($0) })),
            Field("victims", .list(victims.map(\.object))),
        ]
        output.print(json: FormatOption.json(document.object), from)
    }
}

extension Plan {
    /// The bounds that a cache has once it is applied, and where it had others before; empty where
    /// it changes none.
    fileprivate var newBounds: String {
        guard case .configure(let cache, let new) = change, let before else { return "" }
        let differences = new.differences(from: before)
        return differences.isEmpty ? "" : "\(PlainText.fit(cache)): \(differences); "
    }

    /// The first of what would go, for people.
    func printVictims() {
        for victim in victims.prefix(10) {
            let word = change.isSoft ? "marked stale" : victim.cause.rawValue
            Output.print(PlainText.fit("  \(word)  \(victim.id.cache)  \(victim.id.key)"))
        }
        if entries > 10 { Output.print("  and \(entries - 10) more") }
    }
}

extension RemoteInspector {
    /// Says at once where nobody may change anything: such an engine does not even have the paths.
    func checkMayChange() async throws {
        guard try await report().isReadOnly else { return }
        throw InspectorError("\(place.name) lets nobody change anything")
    }
}

extension Change {
    fileprivate var bounds: CacheConfiguration? {
        if case .configure(_, let bounds) = self { bounds } else { nil }
    }
}
