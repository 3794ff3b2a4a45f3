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
            (isSoft
                ? "done: \(outcome.removed) marked as stale"
                : "done: \(outcome.removed - outcome.forgotten) removed"
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
        // It is done, whoever can be told.
        if !Output.flush() { say(done) }
    }

    private func show(
        _ plan: Plan, _ how: PlanApplication, on inspector: RemoteInspector
    ) async throws {
        var consequences: [String] = []
        if case .configure(let cache, let new) = plan.change, let before = plan.before {
            let differences = new.differences(from: before)
            Output.print(
                "\(PlainText.fit(cache)): \(differences.isEmpty ? "nothing changes" : differences)")
            let report = try await inspector.report()
            let found = report.caches.first { $0.name.isExactly(cache) }
            consequences = plan.consequences(held: found?.snapshot.count ?? 0)
        }
        let parts = [
            plan.effect, plan.cost, how.spread.map { "spread over \(Units.text($0))" },
            how.lasting.map { "the bounds go back after \(Units.text($0))" },
        ]
        Output.print("plan: " + parts.compactMap(\.self).joined(separator: "; "))
        for consequence in consequences { Output.print("  \(consequence)") }
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
    /// The first of what would go, for people.
    fileprivate func printVictims() {
        for victim in victims.prefix(10) {
            Output.print(
                PlainText.fit("  \(victim.cause.rawValue)  \(victim.id.cache)  \(victim.id.key)"))
        }
        if entries > 10 { Output.print("  and \(entries - 10) more") }
    }
}

/// How fast a change is made.
struct PaceOptions: ParsableArguments {
    @Option(
        help: "Over how long what goes is spread, such as 60s, so that not all is fetched at once.",
        transform: parsed { try Units.reserve($0) })
    var spread: Duration?

    @Option(
        help: """
            Fetches a second that the origin may have for it, such as 20/s: what goes is spread \
            over the time that this takes.
            """,
        transform: parsed { try Units.rate($0) })
    var budget: Double?

    func validate() throws {
        guard spread == nil || budget == nil else {
            throw ValidationError("name --spread or --budget: one of them")
        }
        if let spread, !(.zero ... .seconds(86_400)).contains(spread) {
            throw ValidationError("--spread: up to 24h is accepted")
        }
        if let budget, !(0.1...1_000_000).contains(budget) {
            throw ValidationError("--budget: 0.1/s to 1000000/s are accepted")
        }
    }

    /// Over how long a plan is spread; `nil` where it is done at once.
    func spread(of plan: Plan) -> Duration? {
        let time = spread ?? budget.flatMap { plan.spread(within: $0) }
        return time == .zero ? nil : time
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
    fileprivate var bounds: CacheConfiguration? {
        if case .configure(_, let bounds) = self { bounds } else { nil }
    }
}

struct Invalidate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invalidate", abstract: "Invalidate entries of a running engine.",
        discussion: """
            Examples:
              larder invalidate accounts 100000000001
              larder invalidate accounts --filter 0001 --dry-run
              larder invalidate credentials --all --yes --reason "keys were leaked"
              larder invalidate accounts --all --soft --budget 20/s --yes

            The last drops everything without a stampede: each entry is served until a fetch for \
            it has landed, and no more are marked a second than the origin may be asked for. The \
            console has a change confirmed by typing that is of more than a twentieth of what a \
            cache holds, and of more than ten entries; here --yes does.
            """)

    @OptionGroup
    var named: NamedEntries

    @Flag(help: "Serve each until a fetch for it has landed.")
    var soft = false

    @OptionGroup
    var pace: PaceOptions

    @OptionGroup
    var changing: ChangingOptions

    @OptionGroup
    var target: Target

    func run() async throws {
        try await target.each(changing.output.format, reason: changing.reason) { inspector, from in
            let change: Change
            if named.all, !soft {
                change = .invalidateAll(cache: named.cache)
            } else {
                var seen = named.keys.map {
                    SeenEntry(id: EntryKey(cache: named.cache, key: $0), version: nil)
                }
                if let filter = named.wanted {
                    seen = try await inspector.matching(
                        EntryQuery(caches: [named.cache], filter: filter))
                }
                change = soft ? .soften(seen) : .invalidate(seen)
            }
            try await changing.make(change, on: inspector, from, pace: pace)
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
            ? ": they come back for \(Units.text(Plan.undoWindow)), unless fetched anew since, and "
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

struct SetBounds: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Change the bounds of a cache of a running engine.",
        discussion: """
            Examples:
              larder set accounts maxsize=128 ttl=10m
              larder set accounts policy=tinylfu --dry-run
              larder set accounts maxsize=256 --for 10m --yes

            As in ttl_cache(maxsize=64, ttl=300) a bare number is entries or seconds, and of \
            maxbytes bytes: the plan says how it was understood.
            """)

    @Argument(help: "The cache.")
    var cache: String

    @Argument(
        help: """
            maxsize=N, maxbytes=SIZE, ttl=DURATION, jitter=SHARE, policy=NAME, stale=DURATION, \
            negative=DURATION; each but policy may be off, and the first three none.
            """)
    var bounds: [String]

    @Option(
        name: .customLong("for"),
        help: "After how long the bounds go back to what they are now, by themselves, such as 10m.",
        transform: parsed { try Units.duration($0) })
    var lasting: Duration?

    @OptionGroup
    var pace: PaceOptions

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

    func validate() throws {
        _ = try option()
        if let lasting, !(.seconds(1) ... .seconds(7 * 86_400)).contains(lasting) {
            throw ValidationError("--for: 1s to 7d are accepted")
        }
    }

    func run() async throws {
        let option = try option()
        try await target.each(changing.output.format, reason: changing.reason) { inspector, from in
            let report = try await inspector.report()
            guard let found = report.caches.first(where: { $0.name.isExactly(cache) }) else {
                throw InspectorError(
                    "no cache is called \"\(cache)\"; "
                        + Words.there(are: report.caches.map(\.name)))
            }
            let new = option.applied(to: found.snapshot.configuration)
            try await changing.make(
                .configure(cache: cache, to: new), on: inspector, from,
                seen: found.snapshot.configuration, pace: pace, lasting: lasting)
        }
    }
}
